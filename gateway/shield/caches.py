"""Caches: a mirror has empty ones, which are discarded with it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from fnmatch import fnmatchcase
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.dummy import DummyCache

from gateway.clock import SYSTEM
from gateway.context.mirror_scope import MirrorScope
from gateway.parity.intentions import GONE, Intention
from gateway.parity.plain_values import plain_bytes, plain_value
from gateway.shield.guard import GuardedCall, guard
from gateway.wording import qualified_name

__all__ = ["PrivateCache", "cache_intentions", "reading", "shield_caches"]

# Methods that only compute, or close a connection.
HARMLESS = frozenset({
    "client_servers", "get_backend_timeout", "make_and_validate_key", "make_key", "make_pattern",
    "reverse_key", "validate_key",
})  # fmt: skip
CLOSES = frozenset({"aclose", "close"})  # called by request_finished, with resources that a mirror must not use
READS = frozenset({
    "__contains__", "aget", "aget_many", "ahas_key", "get", "get_many", "has_key", "iter_keys", "keys", "pttl", "ttl",
})  # fmt: skip

LONGEST = 2**18  # bytes of a stored value that are looked into

_reading: ContextVar[bool] = ContextVar("gateway.reading", default=False)
_readable: frozenset[str] = frozenset()


def shield_caches(readable: tuple[str, ...] = ()) -> None:
    """Give mirrors private caches, except for reading those with these aliases."""
    global _readable  # noqa: PLW0603 - as `caches` is: one for the process
    _readable = frozenset(readable)
    guard(BaseCache, _chosen, _instead)


@contextmanager
def reading() -> Iterator[None]:
    """A block in which a mirror may read callers' caches: for sessions, which it has to know."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


def _chosen(name: str) -> bool:
    return name == "__contains__" or (not name.startswith("_") and name not in HARMLESS)


def _instead(call: GuardedCall) -> Any:
    scope, cache = call.scope, call.target
    if isinstance(cache, (PrivateCache, DummyCache)):
        return call.method(cache, *call.args, **call.kwargs)
    if call.name in CLOSES or (_reading.get() and call.name in READS):
        return call.proceed()
    alias = _alias_of(cache)
    if not _reading.get():
        scope.cold = True
    if alias in _readable and call.name in READS:
        return call.proceed()
    private = scope.store(("cache", alias or id(cache)), lambda: PrivateCache(cache))
    method = getattr(private, call.name, None)
    if method is None:
        what = f"CACHES[{alias!r}]" if alias is not None else f"a {type(cache).__qualname__}"
        raise scope.refuse(f"{call.name!r} of {what} ({qualified_name(type(cache))})")
    return method(*call.args, **call.kwargs)


def _alias_of(cache: BaseCache) -> str | None:
    """The alias of this cache object; None if it was created otherwise, or on another thread."""
    return next((alias for alias in caches if caches[alias] is cache), None)


def cache_intentions(scope: MirrorScope) -> Iterator[Intention]:
    """What a mirror would have left in the caches of callers: what it has put there or taken away, by key."""
    for key, store in [*scope.stores.items()]:
        if isinstance(store, PrivateCache) and isinstance(key, tuple):
            alias = key[1] if isinstance(key[1], str) else "(no alias)"
            for name, value in store.changes():
                yield Intention("cache", f"{alias} {name}", value)


class PrivateCache(BaseCache):
    """A mirror's substitute for the cache `shared`: empty at first, in memory, with the same keys and timeouts.

    It has the methods that Django documents, and those of django-redis that make sense for a single user: a lock is
    free.
    """

    def __init__(self, shared: BaseCache) -> None:
        super().__init__({})
        self.key_prefix, self.version, self.key_func = shared.key_prefix, shared.version, shared.key_func
        self.default_timeout = shared.default_timeout
        self._entries: dict[str, tuple[bytes, float | None]] = {}  # pickled value, and when it expires
        self._gone: dict[str, None] = {}  # deleted keys, in order
        self._cleared = False

    def _live(self, key: str) -> tuple[bytes, float | None] | None:
        entry = self._entries.get(key)
        if entry is not None and entry[1] is not None and entry[1] <= SYSTEM.time():
            self._entries.pop(key, None)
            return None
        return entry

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """As BaseCache."""
        return not self.has_key(key, version) and self.set(key, value, timeout, version)

    def get(self, key: Any, default: Any = None, version: int | None = None, **_: Any) -> Any:
        """As BaseCache."""
        entry = self._live(self.make_key(key, version))
        return default if entry is None else pickle.loads(entry[0])  # noqa: S301 - what this mirror has put there

    def set(  # type: ignore[override] # django-redis's says whether it was set
        self,
        key: Any,
        value: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: int | None = None,
        nx: bool = False,
        xx: bool = False,
        **_: Any,
    ) -> bool:
        """As BaseCache; with `nx` only where there is no such key, with `xx` only where there is."""
        made = self.make_key(key, version)
        there = self._live(made) is not None
        if (nx and there) or (xx and not there):
            return False
        self._entries[made] = (pickle.dumps(value, pickle.HIGHEST_PROTOCOL), self.get_backend_timeout(timeout))
        return True

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """As BaseCache."""
        made = self.make_key(key, version)
        if (entry := self._live(made)) is None:
            return False
        self._entries[made] = (entry[0], self.get_backend_timeout(timeout))
        return True

    def delete(self, key: Any, version: int | None = None, **_: Any) -> bool:
        """As BaseCache."""
        made = self.make_key(key, version)
        self._gone[made] = None
        return self._entries.pop(made, None) is not None

    def has_key(self, key: Any, version: int | None = None, **_: Any) -> bool:
        """As BaseCache."""
        return self._live(self.make_key(key, version)) is not None

    def incr(self, key: Any, delta: int = 1, version: int | None = None, **_: Any) -> int:
        """As BaseCache, but the timeout stays."""
        made = self.make_key(key, version)
        if (entry := self._live(made)) is None:
            raise ValueError(f"Key '{made}' not found")
        value: int = pickle.loads(entry[0]) + delta  # noqa: S301 - what this mirror has put there
        self._entries[made] = (pickle.dumps(value), entry[1])
        return value

    def clear(self) -> None:
        """As BaseCache."""
        self._entries.clear()
        self._cleared = True

    def changes(self) -> Iterator[tuple[str, Any]]:
        """What is other here than in one that nobody has used: the values by key, GONE for what was deleted, whether or
        not it was there. Time limits are left aside."""
        start = self.make_key("")
        if self._cleared:
            yield "(all)", GONE
        for key in self._gone:
            if key not in self._entries:
                yield key.removeprefix(start), GONE
        for key, (stored, _) in self._entries.items():
            value = plain_value(pickle.loads(stored)) if len(stored) <= LONGEST else plain_bytes(stored)  # noqa: S301 - what this mirror has put there
            yield key.removeprefix(start), value

    # -- what django-redis adds -------------------------------------------------------------------

    def lock(self, *_: Any, **__: Any) -> Any:
        """A lock without contention."""
        return _Free()

    def keys(self, search: str = "*", version: int | None = None, **_: Any) -> list[Any]:
        """The keys that match the pattern `search`."""
        pattern, start = self.make_key(search, version), len(self.make_key("", version))
        return [key[start:] for key in [*self._entries] if fnmatchcase(key, pattern) and self._live(key)]

    def iter_keys(self, search: str = "*", version: int | None = None, **_: Any) -> Iterator[Any]:
        """As `keys`."""
        return iter(self.keys(search, version))

    def delete_pattern(self, pattern: str, version: int | None = None, **_: Any) -> int:
        """Delete the keys that match `pattern`; returns how many there were."""
        return sum(self.delete(key, version) for key in self.keys(pattern, version))

    def ttl(self, key: Any, version: int | None = None, **_: Any) -> int | None:
        """The remaining seconds of a key: 0 if there is none, None if it doesn't expire."""
        entry = self._live(self.make_key(key, version))
        if entry is None:
            return 0
        return None if entry[1] is None else int(entry[1] - SYSTEM.time())

    def persist(self, key: Any, version: int | None = None, **_: Any) -> bool:
        """Remove the timeout of a key."""
        return self.touch(key, None, version)

    def expire(self, key: Any, timeout: Any, version: int | None = None, **_: Any) -> bool:
        """Set the timeout of a key, in seconds."""
        return self.touch(key, timeout, version)


class _Free(nullcontext[Any]):
    """A lock in a private cache."""

    def acquire(self, *_: Any, **__: Any) -> bool:
        """Always succeeds."""
        return True

    def release(self) -> None:
        """No effect."""

    def locked(self) -> bool:
        """Always false."""
        return False

    def owned(self) -> bool:
        """Always true."""
        return True
