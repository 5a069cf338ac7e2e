"""The connections of a test, for the asynchronous code of the same test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.compat.asgiref import common_thread

__all__ = ["shared_with_async_code"]


@contextmanager
def shared_with_async_code() -> Iterator[None]:
    """In this block the connections of the current thread are also those of asynchronous code.

    pytest opens a test's transaction on its main thread. What an `async def` test asks of the ORM runs on a thread
    of asgiref's, which would open connections of its own: it would see none of the fixtures' rows, and what it
    writes would stay (pytest-dev/pytest-django#1223). As LiveServerTestCase does, both use the same ones here.
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
    # One of its own can be left from before: nobody would close it any more.
    own = connections[connection.alias]
    if own is not connection:
        own.close()
    connections[connection.alias] = connection


def _take_back(alias: str) -> None:
    del connections[alias]
