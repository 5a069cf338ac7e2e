"""The cache that a mirror has instead of a shared one: with the methods that Django and django-redis document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.cache.backends.locmem import LocMemCache

from gateway.parity.intentions import GONE
from gateway.shield.caches import PrivateCache


@pytest.fixture
def private() -> PrivateCache:
    return PrivateCache(LocMemCache("private", {"TIMEOUT": 60, "KEY_PREFIX": "p"}))


def test_a_key_ends_with_its_timeout(private):
    with time_machine.travel(0, tick=False) as clock:
        private.set("default", 1)
        private.set("long", 1, 90)
        private.set("endless", 1, None)
        clock.shift(60)
        assert private.get_many(["default", "long", "endless"]) == {"long": 1, "endless": 1}
        assert private.ttl("long") == 30
        assert private.ttl("endless") is None
        assert private.ttl("default") == 0


def test_a_timeout_can_be_changed_and_removed(private):
    with time_machine.travel(0, tick=False) as clock:
        private.set("kept", 1)
        private.set("shortened", 1)
        assert private.persist("kept")
        assert private.expire("shortened", 5)
        clock.shift(10)
        assert (private.ttl("kept"), private.has_key("shortened")) == (None, False)
        clock.shift(1000)
        assert private.get("kept") == 1


def test_counting_leaves_the_timeout(private):
    with time_machine.travel(0, tick=False) as clock:
        private.set("count", 1, 10)
        assert (private.incr("count"), private.decr("count", 2)) == (2, 0)
        clock.shift(10)
        assert private.get("count") is None


ABSENT: dict[str, tuple[Callable[[PrivateCache], Any], Any]] = {
    "touch": (lambda cache: cache.touch("key"), False),
    "persist": (lambda cache: cache.persist("key"), False),
    "expire": (lambda cache: cache.expire("key", 5), False),
    "delete": (lambda cache: cache.delete("key"), False),
    "set only where there is one": (lambda cache: cache.set("key", 1, xx=True), False),
}


@pytest.mark.parametrize(("act", "said"), ABSENT.values(), ids=ABSENT)
def test_what_is_not_there_is_not_made(private, act, said):
    assert act(private) == said
    assert not private.has_key("key")


def test_what_is_not_there_is_not_counted(private):
    with pytest.raises(ValueError, match="'p:1:key' not found"):
        private.incr("key")


def test_what_is_there_stays_where_only_a_new_key_is_set(private):
    assert private.set("key", "first", nx=True)
    assert not private.set("key", "second", nx=True)
    assert private.get("key") == "first"
    assert private.set("key", "third", xx=True)
    assert private.get("key") == "third"


def test_a_lock_is_free_for_its_only_user(private):
    lock = private.lock("key", timeout=5)
    assert lock.acquire(blocking=False)
    assert lock.owned()
    lock.release()
    assert not lock.locked()


def test_its_changes_are_what_was_put_there_and_what_was_taken_away(private):
    private.delete("deleted")
    private.delete("put back")
    private.set("put back", 1)
    private.set("new", {"of": 2})
    assert dict(private.changes()) == {"deleted": GONE, "put back": 1, "new": {"of": 2}}


def test_a_cache_that_was_emptied_is_empty_but_for_what_came_later(private):
    private.set("before", 1)
    private.clear()
    private.set("after", 2)
    assert dict(private.changes()) == {"(all)": GONE, "after": 2}
