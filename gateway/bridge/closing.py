"""Ends a request that went through the middleware."""

from __future__ import annotations

import contextvars
from typing import IO

from django.core.handlers.base import BaseHandler
from django.http.response import HttpResponseBase
from starlette.types import Scope

from gateway.legacy.call import close

__all__ = ["Closing"]


class Closing:
    """Closes the response to the request of `scope`, or its `body` if there is no response. `request_finished` is sent
    with `sender`, the class of a handler of Django's.

    `context` is that at the end of the chain: receivers of `request_finished` find in it what those of
    `request_started` have set. `lingers`: the request goes on after its response. `known`: the chain has returned
    `response`, or failed.
    """

    # Without __slots__: initial values are defaults of the class, so that they need not be set each time.
    context: contextvars.Context
    lingers = False
    known = False
    response: HttpResponseBase | None = None

    def __init__(self, scope: Scope, body: IO[bytes], sender: type[BaseHandler]) -> None:
        self._scope = scope
        self._body = body
        self._sender = sender

    def note(self, response: HttpResponseBase | None) -> None:
        """Note what the chain has returned; None if it has failed."""
        self.known = True
        self.response = response

    def close(self, response: HttpResponseBase | None) -> None:
        """Close it. To be run in `context`, on the request's thread."""
        close(response, self._body, self._scope["path"], self._sender)
