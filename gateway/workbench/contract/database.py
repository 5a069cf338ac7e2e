"""No database is asked: what tries to is told so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn
from unittest.mock import patch

from django.db import connections

__all__ = ["AsksDatabase", "Attempts", "without_database"]


class AsksDatabase(Exception):
    """Code of the project's asks a database, where it is run to be compared."""


class Attempts:
    """How often somebody tried, those included who took no notice of the exception."""

    def __init__(self) -> None:
        self.count = 0

    def refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Stand for a connection's methods."""
        self.count += 1
        raise AsksDatabase("it asks the database")


# Whatever leads to a query goes through one of these (django.db.backends.base.base.BaseDatabaseWrapper).
_WAYS = ("connect", "cursor", "chunked_cursor")


@contextmanager
def without_database() -> Iterator[Attempts]:
    """Within this block, on this thread, no database is connected to or asked: AsksDatabase is raised instead."""
    attempts = Attempts()
    with ExitStack() as stack:
        for connection in connections.all():
            for way in _WAYS:
                stack.enter_context(_replaced(connection, way, attempts.refuse))
        yield attempts


def _replaced(connection: Any, name: str, by: Callable[..., Any]) -> Any:
    return patch.object(connection, name, by)
