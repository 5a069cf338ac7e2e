"""Turns Django's responses into ASGI messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from starlette.types import Message

from gateway.legacy.replies import start_message

if TYPE_CHECKING:
    from gateway.threads import Lease

__all__ = ["answer_start", "chunks_of"]


def answer_start(response: HttpResponseBase, method: str) -> Message:
    """`http.response.start` for a response of the middleware, with the service's cookies and a length."""
    start = start_message(response)
    start["headers"] += getattr(response, "raw_cookies", ())
    if "Content-Length" not in response.headers and not response.streaming:
        length = len(cast("HttpResponse", response).content)
        if length or (response.status_code not in (204, 304) and method != "HEAD"):
            start["headers"].append((b"content-length", str(length).encode()))
    return start


def chunks_of(response: StreamingHttpResponse, lease: Lease) -> AsyncGenerator[bytes]:
    """The chunks of a stream; those of a synchronous one are made on the thread of `lease`."""
    return _chunks(response) if response.is_async else _chunks_of_sync(response, lease)


async def _chunks(response: StreamingHttpResponse) -> AsyncGenerator[bytes]:
    async for chunk in response:
        yield chunk


async def _chunks_of_sync(response: StreamingHttpResponse, lease: Lease) -> AsyncGenerator[bytes]:
    chunks = iter(cast("Any", response))
    while (chunk := await asyncio.wrap_future(lease.submit(next, chunks, None))) is not None:
        yield chunk
