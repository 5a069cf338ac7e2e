"""One line of the table: what a package is asked to do, and what shows that it did."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

__all__ = ["KINDS", "NOTHING", "Reply", "Row"]

KINDS = ("legacy", "def", "async", "stream", "socket", "mirror")
NOTHING = object()  # what a kind of request is expected to show that has nothing to do with the row


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or what a socket was sent. `status` is 101 for a socket that was accepted."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def work(self) -> Any:
        """What the row's work returned; None where it didn't come to that."""
        try:
            return json.loads(self.content)["work"]
        except ValueError:
            return None


def _nothing(_request: HttpRequest) -> str:
    return "done"


def _forget() -> None:
    """Nothing is left by earlier requests."""


@dataclass(frozen=True, slots=True)
class Row:
    """`work` is done by the view, or by the endpoint in its place. `shows` is asked after the request, of its reply.

    `expected` is what it shows for Django alone. A stream's work comes after the middleware, so Django alone is asked
    what it shows for one. `in_socket` is what it shows for a socket; `in_mirror` for a request that was mirrored, where
    that is something else. `forget` runs before each request. `again` gives the headers of a second request, and
    `shows` gets both replies then. `path` is asked for instead of the view, where Django answers, `own_socket` instead
    of the endpoint's. `limits` says in a few words why a kind of request shows something else.
    """

    name: str
    title: str
    what: str  # is shown, for the reader of the table
    group: str
    shows: Callable[..., Any]
    expected: Any
    work: Callable[[HttpRequest], Any] = _nothing
    in_socket: Any = NOTHING
    in_mirror: Any = NOTHING
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    user: bool = True  # whether the caller is logged in
    path: str = ""
    own_socket: str = ""
    slash: bool = True  # whether the path ends with one
    again: Callable[[Reply], Mapping[str, str]] | None = None
    forget: Callable[[], None] = _forget
    stream: bool = True
    mirror: bool = True
    limits: Mapping[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> list[str]:
        """The kinds of request that have to do with it."""
        applies = {"socket": self.in_socket is not NOTHING, "mirror": self.mirror, "stream": self.stream}
        return [kind for kind in KINDS if applies.get(kind, True)]
