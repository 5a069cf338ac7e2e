"""Every request passes through the functions of Django that agents wrap, whenever they did it."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import django.core.asgi
import django.core.wsgi
import pytest
from django.core import signals
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler

from tests.project import gates
from tests.support.asgi import ask, open_socket, running, until

pytestmark = [pytest.mark.anyio, pytest.mark.long]

ASYNC_ONLY = "tests.project.middleware.async_only"
# (owner, name, called for each request)
SYNC = ["WSGIHandler.__call__", "BaseHandler.get_response"]
ASYNC = ["ASGIHandler.__call__", "BaseHandler.get_response_async"]
MOVED = ["ASGIHandler.__call__", "BaseHandler.get_response"]


class Wrapped:
    """Notes which of Django's entry points are called, in order, as an agent that wraps them would see it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self._monkeypatch = monkeypatch

    def entry_points(self) -> None:
        for owner in (WSGIHandler, ASGIHandler):
            self._wrap(owner, "__call__")
        for name in ("get_response", "get_response_async", "load_middleware"):
            self._wrap(BaseHandler, name)
        self._wrap(django.core.wsgi, "get_wsgi_application")
        self._wrap(django.core.asgi, "get_asgi_application")

    def _wrap(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)
        label = f"{owner.__name__}.{name}"

        @wraps(original)
        def noting(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(label)
            return original(*args, **kwargs)

        self._monkeypatch.setattr(owner, name, noting)


@pytest.fixture
def wrapped(monkeypatch: pytest.MonkeyPatch) -> Wrapped:
    return Wrapped(monkeypatch)


@pytest.fixture(params=["before", "after"])
def agent(request: pytest.FixtureRequest, wrapped: Wrapped) -> Callable[[Callable[[], Any]], Any]:
    """Build something with an agent that came before it, or after."""

    def build(make: Callable[[], Any]) -> Any:
        if request.param == "before":
            wrapped.entry_points()
            made = make()
        else:
            made = make()
            wrapped.entry_points()
        wrapped.calls.clear()
        return made

    return build


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/json/", SYNC),
        ("/raises/", SYNC),
        ("/streamed/{name}/", SYNC),
        ("/file/10/", SYNC),
        ("/nothing/", SYNC),
        ("/async/json/", ASYNC),
        ("/b/plain/", MOVED),
        ("/b/sync/", MOVED),
        ("/b/raises/", MOVED),
        ("/b/raises/sync/", MOVED),
        ("/b/streams/{name}/", MOVED),
    ],
)
async def test_each_request_is_seen_once_at_every_entry_point(agent, bridged, wrapped, target, expected):
    for gate in ("entry-points", "entry-points-second"):
        gates.open_gate(gate)
    async with running(agent(bridged)) as app:
        await ask(app, target.format(name="entry-points"))
    assert wrapped.calls == expected


async def test_a_socket_enters_as_the_request_that_its_handshake_is(agent, bridged, wrapped):
    async with running(agent(bridged)) as app:
        messages = await open_socket(app, "/b/socket/?short=raises")
    assert [message["type"] for message in messages] == ["websocket.close"]
    assert wrapped.calls == MOVED


async def test_an_asynchronous_chain_around_a_service_is_entered_as_django_enters_its_own(agent, bridged, wrapped):
    async with running(agent(lambda: bridged([ASYNC_ONLY]))) as app:
        assert (await ask(app, "/b/plain/"))["x-async-only"] == "yes"
    assert wrapped.calls == ASYNC


async def test_handlers_are_made_by_the_functions_that_agents_wrap(wrapped, bridged):
    wrapped.entry_points()
    bridged()
    made = [name for name in wrapped.calls if "application" in name]
    assert sorted(made) == [
        "django.core.asgi.get_asgi_application",  # for asynchronous views
        "django.core.asgi.get_asgi_application",  # for the service
        "django.core.wsgi.get_wsgi_application",
    ]


async def test_what_an_agent_puts_around_the_application_is_called(monkeypatch, gateway):
    """An agent may wrap what `get_wsgi_application` returns, and answer with an iterable of its own."""
    seen: list[str] = []
    original = django.core.wsgi.get_wsgi_application

    class Closing:
        def __init__(self, result: Any) -> None:
            self.result = result

        def __iter__(self) -> Iterator[bytes]:
            seen.append("iterated")
            return iter(self.result)

        def close(self) -> None:
            seen.append("closed")
            self.result.close()

    def get_wsgi_application() -> Any:
        application = original()

        def agent(environ: dict[str, Any], start_response: Any) -> Any:
            def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
                return start_response(status, [*headers, ("X-Agent", status)], *more)

            return Closing(application(environ, start))

        return agent

    monkeypatch.setattr(django.core.wsgi, "get_wsgi_application", get_wsgi_application)
    async with running(gateway()) as app:
        found = [await ask(app, target) for target in ("/json/", "/large/300000/", "/file/10/", "/cookies/")]
        assert [(one.status, one["x-agent"]) for one in found] == [(200, "200 OK")] * 4
        assert [len(one.body) for one in found] == [18, 300_000, 10, len(found[3].body)]
        assert found[3].all("set-cookie")[0].startswith("first=")
        assert await until(lambda: seen.count("closed") == 4)
        stream = await ask(app, "/async-stream-of-sync-view/")
    assert stream.complete


@pytest.mark.parametrize(
    ("target", "sender", "key"),
    [
        ("/json/", WSGIHandler, "environ"),
        ("/b/plain/", WSGIHandler, "environ"),
        ("/b/404/", WSGIHandler, "environ"),
        ("/async/json/", ASGIHandler, "scope"),
    ],
)
async def test_signals_are_sent_by_djangos_own_class_with_what_it_sends(bridged, target, sender, key):
    sent: list[tuple[str, Any, list[str]]] = []

    def started(sender: Any, signal: Any, **more: Any) -> None:
        sent.append(("started", sender, sorted(more)))

    def finished(sender: Any, signal: Any, **more: Any) -> None:
        sent.append(("finished", sender, sorted(more)))

    signals.request_started.connect(started)
    signals.request_finished.connect(finished)
    try:
        async with running(bridged()) as app:
            await ask(app, target)
            assert await until(lambda: len(sent) == 2)
    finally:
        signals.request_started.disconnect(started)
        signals.request_finished.disconnect(finished)
    assert sent == [("started", sender, [key]), ("finished", sender, [])]


@pytest.mark.parametrize("chain", [None, [ASYNC_ONLY]], ids=["sync chain", "async chain"])
@pytest.mark.parametrize("target", ["/json/", "/b/plain/", "/b/sync/", "/b/raises/", "/async/json/"])
async def test_the_end_of_a_request_finds_the_context_variables_of_its_beginning(bridged, target, chain):
    """As agents have it that keep their transaction in one."""
    transaction: contextvars.ContextVar[str] = contextvars.ContextVar("transaction")
    ended: list[str] = []

    def started(**_: Any) -> None:
        transaction.set("begun")

    def finished(**_: Any) -> None:
        ended.append(transaction.get("none"))

    signals.request_started.connect(started)
    signals.request_finished.connect(finished)
    try:
        async with running(bridged(chain)) as app:
            await ask(app, target)
            assert await until(lambda: bool(ended))
    finally:
        signals.request_started.disconnect(started)
        signals.request_finished.disconnect(finished)
    assert ended == ["begun"]
