"""The end of a request that went through the middleware."""

from __future__ import annotations

import contextvars
from typing import IO

from django.core.handlers.base import BaseHandler
from django.http.response import HttpResponseBase
from starlette.types import Scope

from gateway.legacy.call import close

__all__ = ["Closing"]


class Closing:
    """Closes the response to the request of `scope`, or its `body` where there is none. Thereby `sender`, a handler of
    Django's, sends `request_finished`.

    `context` is as the chain has left it: who was told of the request's beginning finds there what it has set then.
    `lingers`: the service goes on after its answer, and the request is not over with that. `known`: the chain has
    answered `response`, or failed.
    """

    # Without __slots__, so that what is so at first is not set for each.
    context: contextvars.Context
    lingers = False
    known = False
    response: HttpResponseBase | None = None

    def __init__(self, scope: Scope, body: IO[bytes], sender: type[BaseHandler]) -> None:
        self._scope = scope
        self._body = body
        self._sender = sender

    def note(self, response: HttpResponseBase | None) -> None:
        """The chain has answered this; None where it has failed."""
        self.known = True
        self.response = response

    def close(self, response: HttpResponseBase | None) -> None:
        """Close it. To be run in `context`, on the thread of the request."""
        close(response, self._body, self._scope["path"], self._sender)
