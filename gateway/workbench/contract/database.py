"""Prevents database queries while the project's code runs for a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn
from unittest.mock import patch

from django.db import connections

__all__ = ["AsksDatabase", "Attempts", "without_database"]


class AsksDatabase(Exception):
    """Code of the project tried to query a database."""


class Attempts:
    """The number of attempts, including those whose exception was caught."""

    def __init__(self) -> None:
        self.count = 0

    def refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Replaces methods of a connection."""
        self.count += 1
        raise AsksDatabase("it asks the database")


# Every query goes through one of these (django.db.backends.base.base.BaseDatabaseWrapper).
_WAYS = ("connect", "cursor", "chunked_cursor")


@contextmanager
def without_database() -> Iterator[Attempts]:
    """In this block, on this thread, connecting to a database or querying it raises AsksDatabase."""
    attempts = Attempts()
    with ExitStack() as stack:
        for connection in connections.all():
            for way in _WAYS:
                stack.enter_context(_replaced(connection, way, attempts.refuse))
        yield attempts


def _replaced(connection: Any, name: str, by: Callable[..., Any]) -> Any:
    return patch.object(connection, name, by)
