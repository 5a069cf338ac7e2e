"""Interfaces between the parts of the bridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, Protocol

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from starlette.types import Scope

from gateway.bridge.run_thread import RunThread
from gateway.bridge.views import View
from gateway.legacy.replies import Reply

__all__ = ["MiddlewareRun"]


class MiddlewareRun(Protocol):
    """One request in the project's middleware: request phase, waiting for the service, response phase."""

    view: View
    scope: Scope
    body: IO[bytes]
    thread: RunThread  # that the middleware runs on
    request: HttpRequest | None  # set after the request phase
    own_error: HttpResponse | None  # the service's own response to its exception

    async def request_phase(self) -> Reply | None:
        """Run the middleware up to the view. Returns a reply if a middleware answers itself, else None."""

    async def response_phase(self, resume: Callable[[], Any], *, lingers: bool) -> Reply:
        """Continue the waiting chain: `resume` returns or raises what the view would."""

    def wait_for_service(self, request: HttpRequest) -> HttpResponseBase:
        """As the view: wait until the service has answered `request`, and return its response."""

    def abandon(self) -> None:
        """Unwind the waiting chain: its response isn't needed any more."""

    def end(self) -> None:
        """Close the request's resources, unless that was done."""
