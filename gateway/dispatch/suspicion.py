"""Recognises errors that may come from an unavailable database or cache."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["is_suspicious"]

# By name: of PEP 249, whose errors each driver defines anew, as Django and SQLAlchemy do; of Redis's and memcached's.
NAMES = frozenset({
    "BusyLoadingError", "ConnectionError", "ConnectionInterrupted", "InterfaceError", "MaxConnectionsError",
    "MemcacheError", "OperationalError", "OSError", "PoolTimeout", "TimeoutError",
})  # fmt: skip
MOST = 50  # errors of a chain that are looked at: it may be long, or circular


def is_suspicious(error: BaseException | None) -> bool:
    """Whether `error`, or one that caused it, is a failure to connect to something or a lack of response."""
    return any(cls.__name__ in NAMES for one in _chain(error) for cls in type(one).__mro__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < MOST:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
