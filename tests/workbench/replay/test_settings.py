"""A project whose settings are kept by a library, which puts an object of its own in their place (Dynaconf)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connections

from gateway.workbench.replay.job import settings_of
from tests.support.server import environment

SETTINGS = """
import copy
import sys
from types import SimpleNamespace

from django import conf

SECRET_KEY = "for tests only"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "callers.sqlite3"}}


class Kept:
    SETTINGS_MODULE = "/etc/project.yml"
    configured = True
    LOGGING_CONFIG = None

    def __getattr__(self, name):
        if name in ("DATABASES", "SECRET_KEY"):
            return copy.deepcopy(globals()[name])
        return getattr(conf.global_settings, name)


class Instead:
    def __getattribute__(self, name):
        return Kept() if name == "settings" else getattr(conf, name)


sys.modules["django.conf"] = Instead()
"""
ASKED = """
import django.conf
from gateway.composition.django import set_up_django, settings_module
from gateway.workbench.replay.job import check_copies, settings_of

settings_of({"legacy": {"settings": "kept"}}, {"default": {"NAME": "copy.sqlite3"}})
set_up_django("kept")
set_up_django("kept")
from django.db import connections
print(settings_module(), connections["default"].settings_dict["NAME"])
check_copies({"default": {"NAME": "copy.sqlite3"}})
try:
    check_copies({"default": {"NAME": "another.sqlite3"}})
except RuntimeError as exc:
    print(exc)
try:
    set_up_django("other")
except RuntimeError as exc:
    print(exc)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("kept")
    (folder / "kept.py").write_text(SETTINGS)
    env = environment(PYTHONPATH=f"{folder}:{Path(__file__).parents[3]}")
    done = subprocess.run([sys.executable, "-c", ASKED], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_module_is_the_one_that_django_was_told(told):
    assert told[0].split()[0] == "kept"
    assert told[2] == "this process has set up kept already"


def test_a_replay_connects_to_the_copy_or_not_at_all(told):
    assert told[0].split()[1] == "copy.sqlite3"
    assert told[1].startswith("the project connects to default 'copy.sqlite3'")


# -- what else a replay changes ---------------------------------------------------------------------


@pytest.mark.parametrize(("kept", "engine"), [("cache", "cache"), ("cached_db", "db")])
def test_sessions_in_a_cache_are_kept_apart_from_those_of_callers(settings, kept, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{kept}"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://x"}}
    settings.SESSION_CACHE_ALIAS = "default"
    settings_of({}, None)
    assert f"django.contrib.sessions.backends.{engine}" == settings.SESSION_ENGINE
    apart = settings.CACHES[settings.SESSION_CACHE_ALIAS]
    assert apart["BACKEND"] == "django.core.cache.backends.locmem.LocMemCache"


def test_sessions_elsewhere_stay_there(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    before = settings.SESSION_CACHE_ALIAS
    settings_of({}, None)
    assert (
        "django.contrib.sessions.backends.signed_cookies",
        before,
    ) == (settings.SESSION_ENGINE, settings.SESSION_CACHE_ALIAS)


@pytest.mark.parametrize(("options", "age"), [({}, None), ({"pool": True}, 7)])
def test_connections_to_a_copy_are_kept_unless_a_pool_does_that(settings, monkeypatch, options, age):
    original = {"ENGINE": "django.db.backends.postgresql", "NAME": "callers", "CONN_MAX_AGE": 7, "OPTIONS": options}
    places = settings.DATABASES, connections.settings
    for databases in places:
        monkeypatch.setitem(databases, "copied", dict(original))
    settings_of({}, {"copied": {"NAME": "copy"}})
    assert [(found["copied"]["NAME"], found["copied"]["CONN_MAX_AGE"]) for found in places] == [("copy", age)] * 2
