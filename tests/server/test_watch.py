"""Which files `gateway serve --reload` watches, and what it tells of them."""

from __future__ import annotations

import sys
import threading
from threading import Event
from types import ModuleType, SimpleNamespace

import pytest

from gateway.config.parse import parse
from gateway.server import watch
from gateway.server.watch import FileWatch, watch_for_django
from tests.support.server import eventually


@pytest.fixture
def site(tmp_path):
    """A folder with a configuration, a package, and what others have put there."""
    for name in ("pages", "node_modules/x", "venv/lib", ".hidden", "pages/__pycache__"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    for name in ("gateway.toml", ".env", "pages/views.py", "venv/lib/site.py"):
        (tmp_path / name).touch()
    return tmp_path


COVERED = {
    "gateway.toml": True,
    ".env": True,
    "manage.py": True,
    "pages/views.py": True,
    "pages/page.html": False,  # Django's
    "other.toml": False,
    "node_modules/x/gyp.py": False,
    "venv/lib/site.py": False,
    ".hidden/a.py": False,
    "pages/__pycache__/views.py": False,
    "../outside.py": False,
}


@pytest.mark.parametrize("name", COVERED)
def test_it_covers_the_configuration_and_the_projects_python_files(site, name):
    path = (site / name).resolve()
    assert FileWatch(site / "gateway.toml").covers(path) is COVERED[name]


@pytest.fixture
def watched(site):
    """Waits a moment for what the watch of `site` tells, and returns the names of these files."""
    made, told = FileWatch(site / "gateway.toml"), Event()
    made.start(told.set)

    def changed() -> set[str]:
        told.wait(0.02)
        told.clear()
        return {path.relative_to(site).as_posix() for path in made.changes()}

    return changed


@pytest.fixture
def compared(monkeypatch):
    monkeypatch.setattr(watch, "PAUSE", 0.01)
    monkeypatch.setattr(watch, "find_spec", lambda _: None)


def test_it_tells_of_what_is_new_changed_and_deleted(site, compared, watched):
    new = site / "new.py"
    new.touch()
    while not watched():  # it has looked at the others by then
        new.write_text(new.read_text() + "#")
    (site / ".env").write_text("A=1")
    (site / "pages" / "views.py").unlink()
    (site / "pages" / "page.html").touch()
    found: set[str] = set()
    assert eventually(lambda: found.update(watched()) or found >= {".env", "pages/views.py"})
    assert found <= {".env", "pages/views.py", "new.py"}


@pytest.fixture
def notified(site, monkeypatch):
    def changes(folder, *, watch_filter, raise_interrupt):
        assert not raise_interrupt  # it runs on a thread
        names = ["pages/views.py", "pages/page.html"]
        yield {(1, str(folder / name)) for name in names if watch_filter(1, str(folder / name))}

    module = ModuleType("watchfiles")
    module.watch = changes
    monkeypatch.setitem(sys.modules, "watchfiles", module)
    monkeypatch.setattr(watch, "find_spec", lambda name: name == "watchfiles")


def test_with_watchfiles_the_operating_system_says_what_has_changed(notified, watched):
    found: set[str] = set()
    assert eventually(lambda: found.update(watched()) or found)
    assert found == {"pages/views.py"}


def test_a_project_that_is_a_wsgi_application_has_nothing_that_django_could_watch(site):
    config, _ = parse({"legacy": {"wsgi": "mysite.wsgi:application"}})
    before = threading.enumerate()
    watch_for_django(SimpleNamespace(config=config), site / "gateway.toml", pytest.fail)
    assert threading.enumerate() == before
