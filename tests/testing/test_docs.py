"""docs/testing.md names everything there is."""

from __future__ import annotations

from pathlib import Path

import pytest

import gateway.testing
from gateway.testing import plugin

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()


@pytest.mark.parametrize("name", [name for name in plugin.__all__ if not name.startswith("pytest_")])
def test_each_fixture_is_documented(name):
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("name", gateway.testing.__all__)
def test_each_public_name_is_documented_and_there(name):
    assert f"{name}" in PAGE
    assert getattr(gateway.testing, name).__name__ == name


def test_any_other_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'GatewayClint'"):
        gateway.testing.GatewayClint  # noqa: B018 - looking it up is the test


@pytest.mark.parametrize("option", ["--through-gateway", "--gateway-config"])
def test_each_option_is_documented(option, request):
    assert option in PAGE
    assert request.config.getoption(option) in (False, None)
