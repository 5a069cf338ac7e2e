"""What is known of the project's tables by their models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.context.models import kept_elsewhere

SESSIONS = "django.contrib.sessions.backends"
TABLE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "Cached"}


@pytest.fixture
def kept(settings: Any) -> Iterator[Any]:
    """The tables of caches and sessions, with these settings."""

    def found(sessions: str, **caches: dict[str, str]) -> set[str]:
        settings.SESSION_ENGINE = sessions
        settings.CACHES = caches
        kept_elsewhere.cache_clear()
        return {*kept_elsewhere()}

    yield found
    kept_elsewhere.cache_clear()


def test_sessions_and_caches_in_tables_are_kept_elsewhere(kept):
    assert kept(f"{SESSIONS}.db", default=TABLE) == {"cached", "django_session"}


@pytest.mark.parametrize("sessions", [f"{SESSIONS}.file", f"{SESSIONS}.cache", "no.such.module"])
def test_those_without_a_table_are_not(kept, sessions):
    memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "x"}
    assert kept(sessions, default=memory, other={"BACKEND": "no.such.Cache"}) == set()
