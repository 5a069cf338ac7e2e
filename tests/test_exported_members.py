"""The public names are those that `__all__` lists, and they are what they say."""

from __future__ import annotations

import pytest

import gateway


def test_the_package_exports_the_gateway_its_configuration_and_what_tells_a_mirror():
    assert sorted(gateway.__all__) == ["Config", "ConfigError", "Gateway", "is_mirror"]


@pytest.mark.parametrize("name", gateway.__all__)
def test_each_public_name_of_the_package_is_there(name):
    assert getattr(gateway, name).__name__ == name


def test_any_other_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Gatway'"):
        gateway.Gatway  # noqa: B018 - looking it up is the test
