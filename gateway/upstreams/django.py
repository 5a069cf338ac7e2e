"""The Django project as an upstream.

A request to a synchronous view crosses to a pooled thread once and runs there from `request_started`
to `response.close()`, as it would under a WSGI server (docs/DESIGN.md, decision 2). Asynchronous views
go to Django's own ASGI handler.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import lru_cache, partial
from typing import IO, Any, cast

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core import signals
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from django.utils.http import is_same_domain
from django.utils.module_loading import import_string
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.rollout.cohort import NOBODY_KNOWN, Caller, cookie_value
from gateway.rollout.decision import LEGACY
from gateway.upstreams.base import ClientGone
from gateway.upstreams.body import BLOCK, Pipe, read_body, until_gone
from gateway.upstreams.callers import Callers
from gateway.upstreams.connections import django_threads
from gateway.upstreams.context import adopt
from gateway.upstreams.lifespan import Lifespan
from gateway.upstreams.request import asgi_request_of, request_of
from gateway.upstreams.static import build_static
from gateway.upstreams.threads import Lease, PooledThread, Threads, current_thread
from gateway.upstreams.urlconf import AsyncViews, knows

__all__ = [
    "DjangoUpstream",
    "Exchange",
    "Lent",
    "Reply",
    "Streamed",
    "SyncHandler",
    "Whole",
    "harmless",
    "start_message",
]

logger = logging.getLogger("gateway.django")
request_logger = logging.getLogger("django.request")


def _async_handler() -> ASGIHandler:
    """Django's own, for asynchronous views. No class of ours: it is the sender of signals."""
    handler = ASGIHandler()
    handler.request_class = asgi_request_of  # type: ignore[assignment] # called as the class would be
    return handler


class SyncHandler(BaseHandler):
    """Django's synchronous request chain, without a server protocol around it."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)

    def respond(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """The response of the project to one request; what the middleware chain can't catch is raised."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        try:
            request = request_of(scope, body)
        except UnicodeDecodeError:  # as Django's ASGIHandler.create_request
            request_logger.warning("Bad Request (UnicodeDecodeError)", exc_info=True, extra={"status_code": 400})
            response: HttpResponseBase = HttpResponseBadRequest()
            _belongs(response, body.close)
        else:
            response = self.get_response(request)
            _belongs(response)
        return response


def _belongs(response: Any, *closers: Callable[[], None]) -> None:
    """What every handler of Django does to its response, for which there is no public name.

    `_handler_class` becomes the sender of request_finished; `_resource_closers` run in `close()`.
    """
    response._handler_class = SyncHandler  # noqa: SLF001
    response._resource_closers.extend(closers)  # noqa: SLF001


@lru_cache(maxsize=1024)
def _header_name(name: str) -> bytes:
    return name.lower().encode("ascii")


def start_message(response: HttpResponseBase) -> Message:
    """`http.response.start` for a Django response."""
    headers = [(_header_name(name), value.encode("latin1")) for name, value in response.items()]
    if response.cookies:
        headers += [
            (b"set-cookie", cookie.output(header="").strip().encode("ascii")) for cookie in response.cookies.values()
        ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


class Whole:
    """A response whose content is in memory."""

    __slots__ = ("content", "start")

    def __init__(self, start: Message, content: bytes) -> None:
        self.start = start
        self.content = content

    def abandon(self) -> None:
        """Nothing to let go of."""

    async def send_body(self, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as the other kinds
        content = self.content
        for position in range(0, len(content) - BLOCK, BLOCK):
            chunk = content[position : position + BLOCK]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if len(content) > BLOCK:
            content = content[(len(content) - 1) // BLOCK * BLOCK :]
        await send({"type": "http.response.body", "body": content, "more_body": False})


class Streamed:
    """A response whose iterator runs on its thread and fills a pipe."""

    __slots__ = ("pipe", "start")

    def __init__(self, start: Message, pipe: Pipe) -> None:
        self.start = start
        self.pipe = pipe

    def abandon(self) -> None:
        """Nobody will send this: free the thread."""
        self.pipe.break_off()

    async def send_body(self, receive: Receive, send: Send) -> None:
        try:
            complete = await until_gone(receive, self.pipe.drain(send))
        finally:
            self.pipe.break_off()  # frees the thread when it is not at the end
        if complete:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class Lent:
    """A response the event loop sends by itself; `close` then runs on the thread that made it.

    `context` is the one to make the chunks in: that of the thread, or None where it makes no difference.
    """

    __slots__ = ("chunks", "close", "context", "start")

    def __init__(
        self,
        start: Message,
        chunks: AsyncGenerator[bytes],
        close: Callable[[], None],
        context: contextvars.Context | None = None,
    ) -> None:
        self.start = start
        self.chunks = chunks
        self.close = close
        self.context = context

    def abandon(self) -> None:
        """Nobody will send this: close it."""
        self.close()

    async def send_body(self, receive: Receive, send: Send) -> None:
        context = None if self.context is None else _moved(self.context)
        try:
            complete = await until_gone(receive, self._send_chunks(send), context=context)
        finally:
            self.close()
        if complete:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_chunks(self, send: Send) -> None:
        async with aclosing(self.chunks) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _file_chunks(file: IO[bytes]) -> AsyncGenerator[bytes]:
    while chunk := await asyncio.to_thread(file.read, BLOCK):
        yield chunk


async def _async_chunks(response: StreamingHttpResponse, lease: Lease) -> AsyncGenerator[bytes]:
    """What an asynchronous iterator makes. Synchronous code and the ORM that it awaits run on the thread of
    `lease`, as those of an asynchronous view do, instead of on asgiref's single one for all."""
    # Django leaves closing it to the garbage collector.
    source = response._iterator  # type: ignore[attr-defined] # noqa: SLF001
    try:
        async with ThreadSensitiveContext(executor=lease):
            try:
                async for part in response:
                    yield part
            finally:
                if hasattr(source, "aclose"):
                    await source.aclose()
    finally:
        lease.release()


def _moved(context: contextvars.Context) -> contextvars.Context:
    """A copy of a thread's `context` to use on the event loop."""
    moved = context.copy()
    moved.run(adopt, moved)
    return moved


Reply = Whole | Streamed | Lent


class Exchange:
    """One request on a pooled thread, and the future through which the event loop gets its reply."""

    __slots__ = ("body", "future", "handler", "leases", "loop", "scope", "threads")

    def __init__(
        self,
        handler: SyncHandler,
        threads: Threads,
        leases: Threads,
        scope: Scope,
        body: IO[bytes],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.handler = handler
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
            response = self.handler.respond(self.scope, self.body)
        except BaseException as exc:  # noqa: BLE001 - sys.exit() in a view ends the request, not the thread
            self._fail(exc)
            self._finish(None)
        else:
            self._reply(response)

    def _reply(self, response: HttpResponseBase) -> None:
        try:
            start = self._start(response)
            if response.streaming and self.scope["method"] != "HEAD":
                self._stream(cast("StreamingHttpResponse", response), start)
                return
            content = b"" if response.streaming else cast("HttpResponse", response).content
            self._deliver(Whole(start, content))
        except BaseException as exc:  # noqa: BLE001 - as above
            self._fail(exc)
        self._finish(response)

    def _start(self, response: HttpResponseBase) -> Message:
        return start_message(response)

    async def reply_unless_gone(self, receive: Receive) -> Reply:
        """The reply, for a request that waits in a long queue. Raises ClientGone when the client leaves it."""

        async def arrival() -> None:
            await self.future

        if await until_gone(receive, arrival()):
            return self.future.result()
        if not self.future.cancelled() and self.future.exception() is None:
            self.future.result().abandon()  # it came in the moment that the client left
        raise ClientGone

    def _stream(self, response: StreamingHttpResponse, start: Message) -> None:
        finish = partial(self._finish, response)
        context = contextvars.copy_context()
        close = partial(self.threads.submit_to, cast("PooledThread", current_thread()), partial(context.run, finish))
        if response.is_async:
            self._deliver(Lent(start, _async_chunks(response, self.leases.lease()), close, context))
        elif (file := getattr(response, "file_to_stream", None)) is not None:
            self._deliver(Lent(start, _file_chunks(file), close))
        else:
            self._fill(response, start)
            finish()

    def _fill(self, response: StreamingHttpResponse, start: Message) -> None:
        pipe = Pipe(self.loop)
        self._deliver(Streamed(start, pipe))
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
        def on_loop() -> None:
            if not self.future.done():
                settle(value)
            else:
                self._unwanted(value)

        try:
            self.loop.call_soon_threadsafe(on_loop)
        except RuntimeError:  # the event loop was closed under a request that outlived the shutdown
            logger.warning("the answer to %s came after the shutdown", self.scope["path"])
            self._unwanted(value)

    def _unwanted(self, value: object) -> None:
        """The request was cancelled meanwhile."""
        if isinstance(value, Reply):
            value.abandon()

    def _finish(self, response: HttpResponseBase | None) -> None:
        """Close the response, which sends `request_finished` and so cleans up connections on this thread."""
        try:
            if response is None:
                self.body.close()
                signals.request_finished.send(sender=SyncHandler)
            else:
                response.close()
        except Exception:
            logger.exception("cleaning up after %s failed", self.scope["path"])


def harmless(error: BaseException) -> Exception:
    """`error` as one that can cross to the event loop: SystemExit would end it, a cancellation would pass
    for the client's leaving, and neither a future nor a coroutine can raise StopIteration."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"the view raised {error!r}").with_traceback(error.__traceback__)


class DjangoUpstream:
    """The Django project. `django.setup()` must have run.

    `threads` is how many requests synchronous views answer at once; half as many threads run the synchronous
    code of asynchronous views and of services, a quarter their middleware. `asgi` is the project's own ASGI
    application, which then gets everything, sockets included. `static`: serve STATIC_URL.
    """

    name = LEGACY

    def __init__(self, *, threads: int = 40, asgi: ASGIApp | None = None, static: bool = True) -> None:
        self.threads = django_threads(threads, "django")
        # Views that block must not hold up what doesn't: asynchronous views, and services.
        self.leases = django_threads(max(4, threads // 2), "django-async")
        # The middleware of bridged services, and nothing that lasts: a chain that waits can only go on
        # on its own thread, and must find it free.
        self.passages = django_threads(max(4, threads // 4), "middleware")
        self.sockets = asgi is not None
        self._own_asgi = asgi
        self._lifespan = Lifespan(asgi) if asgi is not None else None
        self._serves_static = static
        self.reload()
        self.reload_static()

    def reload(self) -> None:
        """Read the settings, and load the middleware and the URLconf that they name. Once, except in tests:
        they change settings, and Django's own test client then goes by the new ones."""
        asgi = self._own_asgi
        self.script_name = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
        self._memory = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        self.session_cookie = settings.SESSION_COOKIE_NAME.encode()
        self.secrets: Sequence[str | bytes] = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        self._callers = Callers(self.threads)
        self._hosts: dict[bytes, bool] = {}
        self._views = AsyncViews()
        self._sync = SyncHandler() if asgi is None and _sync_capable() else None
        self._asgi = asgi or (_async_handler() if self._sync is None or self._views else None)

    def reload_static(self) -> None:
        """Find the static files again. As `reload`, but not for every test: there may be many."""
        self._static = build_static() if self._serves_static else None

    def __repr__(self) -> str:
        return f"DjangoUpstream({settings.SETTINGS_MODULE!r}, threads={self.threads.size})"

    @property
    def most_threads(self) -> int:
        """How many threads there may be, each with a connection of its own to every database."""
        return self.threads.size + self.leases.size + self.passages.size

    @property
    def busy(self) -> bool:
        """Whether requests wait for a thread."""
        return self.threads.waiting > 0 or self.leases.waiting > 0 or self.passages.waiting > 0

    async def caller(self, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Who sent a request with these headers, by its session; None when the database could not be asked."""
        session = cookie_value(headers.get(b"cookie", b""), self.session_cookie)
        return NOBODY_KNOWN if session is None else await self._callers.of(session)

    async def startup(self) -> None:
        """Start the project's own ASGI application, where it knows lifespan. Raises LifespanError."""
        if self._lifespan is not None:
            await self._lifespan.startup()

    async def shutdown(self) -> None:
        """Let the threads end, and close their connections. Raises LifespanError."""
        for pool in (self.threads, self.leases, self.passages):
            pool.close()
        if self._lifespan is not None:
            await self._lifespan.shutdown()

    async def entry(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, or serve a socket where the project's ASGI application does."""
        if scope["type"] != "http":
            await self._enter(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if self._static is not None and (found := self._static.find(path)) is not None:
            await self._static.answer(found, scope, receive, send)
        elif self._sync is not None and not (self._views and self._views.answer(path)):
            await self._answer(self._sync, scope, receive, send)
        else:
            await self._answer_async(scope, receive, send)

    async def _answer(self, handler: SyncHandler, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, self._memory)
        exchange = Exchange(handler, self.threads, self.leases, scope, body, asyncio.get_running_loop())
        self.threads.submit(partial(contextvars.copy_context().run, exchange.run))
        if self.threads.waiting > self.threads.size:
            reply = await exchange.reply_unless_gone(receive)
        else:  # it takes a while to leave, and two tasks to notice
            reply = await exchange.future
        try:
            await send(reply.start)
        except BaseException:
            reply.abandon()
            raise
        await reply.send_body(receive, send)

    async def _answer_async(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Without an executor of its own, asgiref would start a thread for every request.
        lease = self.leases.lease()
        try:
            async with ThreadSensitiveContext(executor=lease):
                await self._enter(scope, receive, send)
        finally:
            lease.release()

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._lifespan is not None:
            self._lifespan.share(scope)
        await cast("ASGIApp", self._asgi)(scope, receive, send)

    def allows_host(self, host: bytes) -> bool:
        """Whether Django would accept `host`: ALLOWED_HOSTS applies to services too."""
        allowed = self._hosts.get(host)
        if allowed is None:
            if len(host) > 512:
                return _host_is_allowed(host)  # nothing to keep in memory
            if len(self._hosts) > 1000:  # callers choose these
                self._hosts.clear()
            allowed = self._hosts[host] = _host_is_allowed(host)
        return allowed

    def forwarded_host(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """The host in X-Forwarded-Host, where USE_X_FORWARDED_HOST lets Django read it there."""
        if not settings.USE_X_FORWARDED_HOST:
            return None
        # Django joins repeated lines too; what comes out is no host it allows.
        return b",".join(value for name, value in headers if name == b"x-forwarded-host")

    def knows(self, path: str) -> bool | None:
        """Whether the URLconf has `path`."""
        return knows(path)

    def trusts_origin(self, origin: bytes) -> bool:
        """Whether CSRF_TRUSTED_ORIGINS has this origin."""
        scheme, _, host = origin.decode("latin-1").lower().partition("://")
        return any(_fits_origin(trusted, scheme, host) for trusted in settings.CSRF_TRUSTED_ORIGINS)


def _sync_capable() -> bool:
    """Whether every middleware can run in a synchronous chain as it is."""
    return all(getattr(import_string(name), "sync_capable", True) for name in settings.MIDDLEWARE)


def _fits_origin(trusted: str, scheme: str, host: str) -> bool:
    """As CsrfViewMiddleware: `https://*.example.com` takes in every subdomain."""
    trusted_scheme, _, trusted_host = trusted.lower().partition("://")
    return scheme == trusted_scheme and is_same_domain(host, trusted_host.lstrip("*"))


def _host_is_allowed(host: bytes) -> bool:
    """Django's own verdict (`HttpRequest.get_host`)."""
    request = HttpRequest()
    request.META = {"HTTP_HOST": host.decode("latin-1")}
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True
