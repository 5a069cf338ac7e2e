"""Runs one request in Django on a pooled thread, and passes its reply to the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import IO, Any, cast

from asgiref.sync import ThreadSensitiveContext
from django.core import signals
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from starlette.types import Message, Receive, Scope

from gateway.compat.django import async_source
from gateway.context.ending import end_mirror_here, release
from gateway.dispatch.disconnect import until_gone
from gateway.dispatch.errors import ClientGone
from gateway.legacy.body import Pipe
from gateway.legacy.environ import environ_of
from gateway.legacy.handlers import STREAMED, WSGIApp
from gateway.legacy.replies import AsyncReply, BufferedReply, Reply, StreamingReply, file_chunks, started
from gateway.threads import Lease, PooledThread, Threads, current_thread

__all__ = ["DirectCall", "LegacyCall", "ThreadCall", "Wrapped", "close", "harmless"]

logger = logging.getLogger("gateway.django")


class ThreadCall:
    """One request on a pooled thread, and the future through which the event loop gets its reply."""

    __slots__ = ("body", "future", "leases", "loop", "scope", "threads")

    def __init__(
        self,
        threads: Threads,
        leases: Threads,
        scope: Scope,
        body: IO[bytes],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.threads = threads
        self.leases = leases
        self.scope = scope
        self.body = body
        self.loop = loop
        self.future: asyncio.Future[Reply] = loop.create_future()

    def run(self) -> None:
        """Everything Django does for this request, on the current thread."""
        if self.future.cancelled():  # the client left while the request waited for the thread
            self.body.close()
            return
        try:
            response = self.respond()
        except BaseException as exc:  # noqa: BLE001 - sys.exit() in a view ends the request, not the thread
            self._fail(exc)
            self._finish(None)
        else:
            self._reply(response)
        finally:
            end_mirror_here()  # other requests use the thread from now on

    @abstractmethod
    def respond(self) -> HttpResponseBase:
        """Django's response. Raises what Django doesn't handle."""

    def _reply(self, response: HttpResponseBase) -> None:
        try:
            content = b"" if response.streaming else cast("HttpResponse", response).content
            start = self._start(response)
            if response.streaming:
                if self.scope["method"] != "HEAD":
                    self._stream(cast("StreamingHttpResponse", response), start)
                    return
                self.scope.pop(STREAMED, None)  # otherwise a reference cycle
            self._deliver(BufferedReply(start, content))
        except BaseException as exc:  # noqa: BLE001 - as above
            self._fail(exc)
        self._finish(response)

    @abstractmethod
    def _start(self, response: HttpResponseBase) -> Message:
        """The start message of the response."""

    async def reply_unless_gone(self, receive: Receive) -> Reply:
        """The reply, for a request that waits in a long queue. Raises ClientGone when the client disconnects."""

        async def arrival() -> None:
            await self.future

        if await until_gone(receive, arrival()):
            return self.future.result()
        if not self.future.cancelled() and self.future.exception() is None:
            self.future.result().abandon()  # it arrived just as the client disconnected
        raise ClientGone

    def _stream(self, response: StreamingHttpResponse, start: Message) -> None:
        finish = partial(self._finish, response)
        made, context = self.scope.pop(STREAMED, None) or (response, contextvars.copy_context())
        close = partial(self.threads.submit_to, cast("PooledThread", current_thread()), partial(context.run, finish))
        if response.is_async:
            self._deliver(AsyncReply(start, _async_chunks(made, self.leases.lease()), close, context))
        elif (file := getattr(response, "file_to_stream", None)) is not None:
            self._deliver(AsyncReply(start, file_chunks(file), close))
        else:
            self._fill(response, start)
            finish()

    def _fill(self, response: StreamingHttpResponse, start: Message) -> None:
        pipe = Pipe(self.loop)
        self._deliver(StreamingReply(start, pipe))
        try:
            for chunk in response:
                pipe.put(chunk)
        except ClientGone:
            return
        except BaseException as exc:  # noqa: BLE001 - the event loop raises it where the server sees it
            pipe.end(harmless(exc))
        else:
            pipe.end()

    def _deliver(self, reply: Reply) -> None:
        self._settle(self.future.set_result, reply)

    def _fail(self, error: BaseException) -> None:
        self._settle(self.future.set_exception, harmless(error))

    def _settle(self, settle: Callable[[Any], None], value: object) -> None:
        self._call_on_loop(value, self._settle_on_loop, settle, value)

    def _call_on_loop(self, value: object, callback: Callable[..., None], *given: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(callback, *given)
        except RuntimeError:  # the event loop was closed under a request that outlived the shutdown
            logger.warning("the answer to %s came after the shutdown", self.scope["path"])
            self._unwanted(value)

    def _settle_on_loop(self, settle: Callable[[Any], None], value: object) -> None:
        if not self.future.done():
            settle(value)
        else:
            self._unwanted(value)

    def _unwanted(self, value: object) -> None:
        """Discard a reply: the request was cancelled meanwhile."""
        if isinstance(value, Reply):
            value.abandon()

    def _finish(self, response: HttpResponseBase | None) -> None:
        close(response, self.body, self.scope["path"], WSGIHandler)


class LegacyCall(ThreadCall):
    """One request to the project's own views, through `application`: Django's WSGI handler, or what wraps it."""

    __slots__ = ("application", "head")

    def __init__(self, application: WSGIApp, *of: Any) -> None:
        super().__init__(*of)
        self.application = application
        self.head: tuple[str, Sequence[tuple[str, str]]] | None = None  # status and headers, once they are known

    def respond(self) -> HttpResponseBase:
        """The project's response. Raises what its handler doesn't handle."""
        result = self.application(environ_of(self.scope, self.body), self.start_response)
        if isinstance(result, HttpResponseBase):
            return result
        streamed, _ = self.scope.get(STREAMED, (None, None))
        return cast("HttpResponseBase", Wrapped(result, streamed))

    def start_response(
        self,
        status: str,
        headers: Sequence[tuple[str, str]],
        exc_info: object = None,  # noqa: ARG002 - as PEP 3333 has it
    ) -> None:
        """The application's `start_response` (PEP 3333)."""
        self.head = status, headers

    def _start(self, response: HttpResponseBase) -> Message:  # noqa: ARG002 - what is around a chain looks at it
        if self.head is None:
            raise RuntimeError("the WSGI application has not called start_response")
        return started(*self.head)


class DirectCall(LegacyCall):
    """A LegacyCall whose outcome, a reply or what was raised, the event loop passes to `on_outcome` at once."""

    __slots__ = ("on_outcome",)

    def __init__(self, on_outcome: Callable[[Reply | Exception], None], *of: Any) -> None:
        super().__init__(*of)
        self.on_outcome = on_outcome

    def _deliver(self, reply: Reply) -> None:
        self._call_on_loop(reply, self.on_outcome, reply)

    def _fail(self, error: BaseException) -> None:
        raised = harmless(error)
        self._call_on_loop(raised, self.on_outcome, raised)


class Wrapped:
    """A response as wrapped by monitoring: the wrapper is iterated and closed instead of the response.

    `response` is Django's own if it is a stream, else None.
    """

    __slots__ = ("response", "result")

    def __init__(self, result: Iterable[bytes], response: StreamingHttpResponse | None) -> None:
        self.result = result
        self.response = response

    @property
    def streaming(self) -> bool:
        """Whether it wraps a StreamingHttpResponse."""
        return self.response is not None

    @property
    def is_async(self) -> bool:
        """Whether the stream is asynchronous."""
        return self.response is not None and self.response.is_async

    @property
    def file_to_stream(self) -> IO[bytes] | None:
        """The file that it streams, if it streams one."""
        return getattr(self.response, "file_to_stream", None)

    @property
    def content(self) -> bytes:
        """The whole body."""
        return b"".join(self.result)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.result)

    def close(self) -> None:
        """To be called once the body was sent or given up (PEP 3333)."""
        if (close := getattr(self.result, "close", None)) is not None:
            close()


async def _async_chunks(response: StreamingHttpResponse, lease: Lease) -> AsyncGenerator[bytes]:
    """The chunks of an asynchronous iterator. Synchronous code and ORM calls that it awaits run on the thread of
    `lease`, as those of an asynchronous view do, instead of on asgiref's single thread for everything."""
    source = async_source(response)
    try:
        async with ThreadSensitiveContext(executor=lease):
            try:
                async for part in response:
                    yield part
            finally:
                if hasattr(source, "aclose"):
                    await source.aclose()
    finally:
        await release(lease)


def close(response: HttpResponseBase | None, body: IO[bytes], path: str, sender: type[BaseHandler]) -> None:
    """End a request for `path`: close its response, or its body if there is none. That sends `request_finished`, which
    cleans up the connections of this thread. `sender`: the class of the handler."""
    try:
        if response is None:
            body.close()
            signals.request_finished.send(sender=sender)
        else:
            response.close()
    except Exception:
        logger.exception("cleaning up after %s failed", path)


def harmless(error: BaseException) -> Exception:
    """`error` as one that may be raised on the event loop: SystemExit would stop it, a cancellation would be taken for
    the client's disconnect, and neither a future nor a coroutine can raise StopIteration."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"the view raised {error!r}").with_traceback(error.__traceback__)
