"""Sends a request to one side of a route in a test, and undoes what it writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from gateway.clock import SYSTEM
from gateway.parity.answer import Answer

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["answer_of", "held_aliases", "undone"]

# Headers that differ between the sides, or between two requests.
OWN_HEADERS = frozenset({"x-served-by", "x-request-id", "date", "server-timing"})


def answer_of(
    client: Client, method: str, target: str, body: bytes, content_type: str, headers: Mapping[str, str]
) -> Answer:
    """The response to `client`, without headers that differ between any two responses."""
    began = SYSTEM.monotonic()
    response: Any = client.generic(method, target, body, content_type, headers=dict(headers))
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return Answer(response.status_code, tuple(_headers(response)), content, SYSTEM.monotonic() - began)


def _headers(response: Any) -> Iterator[tuple[bytes, bytes]]:
    lines = [(name.lower(), value) for name, value in response.items() if name.lower() not in OWN_HEADERS]
    cookies = [("set-cookie", morsel.OutputString()) for morsel in response.cookies.values()]
    return ((name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in [*lines, *cookies])


def held_aliases() -> list[str]:
    """The databases in which the test has a transaction."""
    return [one.alias for one in connections.all(initialized_only=True) if one.in_atomic_block]


@contextmanager
def undone(aliases: Iterable[str]) -> Iterator[None]:
    """A block whose writes to these databases are rolled back."""
    aliases = list(aliases)
    with ExitStack() as until_the_end:
        for alias in aliases:
            until_the_end.enter_context(transaction.atomic(using=alias))
        yield
        for alias in aliases:
            transaction.set_rollback(True, using=alias)
