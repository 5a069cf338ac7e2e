"""What the parts of the bridge know of each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from starlette.types import Scope

from gateway.bridge.views import View
from gateway.legacy.replies import Reply

__all__ = ["MiddlewareRun"]


class MiddlewareRun(Protocol):
    """One request's way through the project's middleware: in, a wait for the service, and out."""

    view: View
    scope: Scope
    request: HttpRequest | None  # once it has come through the middleware
    own_error: HttpResponse | None  # how the service itself answers for what it raised
    blocks: int  # how many atomic blocks are open around the service, the chain's and, in a test, the test's

    @property
    def lingers(self) -> bool:
        """Whether the service may use what belongs to this request once it has given a whole answer."""

    def pin_thread(self, *, to_the_end: bool) -> None:
        """Run everything on the thread that the service's synchronous code gets, and keep it until the answer.

        `to_the_end`: of the request, with its stream, its background tasks and its socket.
        """

    async def request_phase(self) -> Reply | None:
        """Run the middleware up to the view; the answer where it gives one by itself, else None."""

    async def response_phase(self, resume: Callable[[], Any], *, lingers: bool) -> Reply:
        """Let the waiting chain go on with what `resume` returns or raises in the view's place."""

    def wait_for_service(self, request: HttpRequest) -> HttpResponseBase:
        """In the view's place: wait until the service has answered `request`, and return that."""

    def let_go(self) -> None:
        """The answer is given: the thread may be another request's."""

    def abandon(self) -> None:
        """Nobody waits for the answer any more: what waits in the chain unwinds."""

    def end(self) -> None:
        """Close what belongs to the request, unless that has happened."""
