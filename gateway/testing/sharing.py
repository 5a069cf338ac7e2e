"""Shares the connections of a test with its asynchronous code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.compat.asgiref import common_thread

__all__ = ["shared_with_async_code"]


@contextmanager
def shared_with_async_code() -> Iterator[None]:
    """In this block, asynchronous code uses the connections of the current thread.

    pytest opens a test's transaction on its main thread. ORM queries of an `async def` test run on a thread of
    asgiref's, which would open connections of its own: it would not see the fixtures' rows, and its writes would be
    permanent (pytest-dev/pytest-django#1223). As in LiveServerTestCase, both use the same connections here.
    """
    with ExitStack() as after:
        for connection in connections.all():
            connection.inc_thread_sharing()
            after.callback(connection.dec_thread_sharing)
            _there(_lend, connection)
            after.callback(_there, _take_back, connection.alias)
        yield


def _there(function: object, argument: object) -> None:
    common_thread().submit(function, argument).result()  # type: ignore[arg-type]


def _lend(connection: BaseDatabaseWrapper) -> None:
    # An old connection of that thread would never be closed.
    own = connections[connection.alias]
    if own is not connection:
        own.close()
    connections[connection.alias] = connection


def _take_back(alias: str) -> None:
    del connections[alias]
