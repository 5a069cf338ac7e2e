"""Which release of a service a process runs."""

from __future__ import annotations

import sys

import pytest

from gateway.upstreams.introspection import declared_endpoints
from gateway.upstreams.release import release_of

PACKAGE = {
    "__init__.py": "",
    "app.py": "from fastapi import FastAPI\nfrom {name}.prices import price\napp = FastAPI()\napp.get('/')(price)\n",
    "prices.py": "def price():\n    return 1\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write and import the service anew; returns its release."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def release(name="shop_service", **changed):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for file, text in (PACKAGE | changed).items():
            (folder / file).write_text(text.replace("{name}", name))
        for module in [module for module in sys.modules if module.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        target = f"{name}.app:app"
        app = __import__(f"{name}.app", fromlist=["app"]).app
        return release_of(None, target, declared_endpoints(app))

    return release


def test_the_same_code_is_the_same_release(package):
    assert package() == package()
    assert package().startswith("code-")


def test_a_change_anywhere_in_the_services_package_is_another_release(package):
    assert package() != package(**{"prices.py": "def price():\n    return 2\n"})
    assert package() != package(**{"helpers.py": "RATE = 1.19\n"})


def test_a_file_that_can_not_be_read_is_no_part_of_it(package, tmp_path):
    before = package()
    (tmp_path / "shop_service" / "gone.py").symlink_to(tmp_path / "nowhere.py")
    assert package() == before


def test_a_change_of_another_service_is_none(package):
    before = package()
    package("other_service", **{"prices.py": "def price():\n    return 3\n"})
    assert package() == before


def test_what_is_stated_comes_first_then_the_environment(package, monkeypatch):
    monkeypatch.setenv("GATEWAY_RELEASE", "2026-11-30")
    assert package() == "2026-11-30"
    assert release_of("v7", "shop_service.app:app") == "v7"
    assert len(release_of("x" * 300)) == 100
    assert release_of("2.0 béta") == "2.0_b_ta"


def test_of_a_service_elsewhere_nothing_is_known_unless_it_is_stated(monkeypatch):
    monkeypatch.delenv("GATEWAY_RELEASE", raising=False)
    assert release_of(None) == ""


def test_a_module_in_no_package_is_known_by_its_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "alone.py").write_text("app = object()")
    (tmp_path / "beside.py").write_text("")
    __import__("alone")
    first = release_of(None, "alone:app")
    (tmp_path / "beside.py").write_text("changed = 1")
    assert release_of(None, "alone:app") == first
    (tmp_path / "alone.py").write_text("app = 1")
    assert release_of(None, "alone:app") != first
