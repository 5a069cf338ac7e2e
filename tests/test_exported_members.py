"""The public names are those that `__all__` lists, and they are what they say."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import gateway

MODULES = sorted(
    name
    for _, name, is_package in pkgutil.walk_packages(gateway.__path__, "gateway.")
    if not name.startswith(("gateway.control.management", "gateway.control.migrations", "gateway.cli"))
    and name != "gateway.asgi"
    and not is_package
)


def test_the_package_exports_the_gateway_and_its_configuration():
    assert sorted(gateway.__all__) == ["Config", "ConfigError", "Gateway"]


@pytest.mark.parametrize("name", gateway.__all__)
def test_each_public_name_of_the_package_is_there(name):
    assert getattr(gateway, name).__name__ == name


def test_any_other_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Gatway'"):
        gateway.Gatway  # noqa: B018 - looking it up is the test


@pytest.mark.parametrize("name", MODULES)
def test_each_module_has_what_it_lists_and_a_docstring_for_it(name):
    module = importlib.import_module(name)
    missing = [public for public in module.__all__ if not hasattr(module, public)]
    undocumented = [
        public
        for public in module.__all__
        if getattr(getattr(module, public, None), "__module__", None) == name and not getattr(module, public).__doc__
    ]
    assert (missing, undocumented) == ([], [])


@pytest.mark.parametrize("name", MODULES)
def test_each_module_lists_its_names_in_order(name):
    listed = importlib.import_module(name).__all__
    assert sorted(listed, key=str.swapcase) == sorted(set(listed), key=str.swapcase)
