"""The files of the pages, and what there is without the package that has them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.apidoc.assets import OWN, REDOC, SWAGGER_UI, asset

FILES = [*SWAGGER_UI, *REDOC, *OWN]


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_there(name):
    path = asset(name)
    assert path is not None
    assert path.stat().st_size > 100


@pytest.mark.parametrize("installed", [False, True], ids=["missing", "of another make"])
def test_without_its_package_only_our_own_file_is_there(monkeypatch, tmp_path, installed):
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)]) if installed else None
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: found)
    assert [name for name in FILES if asset(name) is not None] == [*OWN]
