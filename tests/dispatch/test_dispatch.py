"""Whatever an upstream does, the caller gets an answer or a closed connection."""

from __future__ import annotations

import logging

import pytest
from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketDisconnect

from gateway.dispatch.bodies import Bodies
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.errors import ClientGone, UpstreamError
from gateway.dispatch.exchange import Exchange
from gateway.dispatch.refusal import answer
from gateway.dispatch.scope import ADAPTED
from gateway.observability.observe import observe
from gateway.rollout.decision import Decision
from gateway.routing.request import read_request
from gateway.routing.table import Match
from gateway.stats.counters import Counters
from gateway.testing import FrozenClock
from tests.support.asgi import Answer, scope

pytestmark = pytest.mark.anyio
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
SECRET = "a secret that no caller may read"


def part(body: bytes = b"", *, more: bool = False):
    return {"type": "http.response.body", "body": body, "more_body": more}


def says(*messages, then: BaseException | None = None):
    """An upstream that sends these messages and then, perhaps, fails."""

    async def upstream(scope, receive, send):
        for message in messages:
            await send(dict(message))
        if then is not None:
            raise then

    return upstream


async def nothing():
    return {"type": "http.disconnect"}


class Unchanged:
    """Scopes are what they were, so that a test can look at what the upstream gets."""

    def for_upstream(self, scope, exchange):
        return scope


class Dispatched:
    """A request handed to an upstream, and what came back."""

    def __init__(self, app, method="GET", *, match=None, served=(), legacy=False, **more):
        asked = scope("/items/", method, **more)
        self.scope = dict(asked)
        self.messages: list[dict] = []
        decision = Decision("legacy" if legacy else "catalog", "because", None if legacy else "items")
        info = read_request(asked, "", b"x-request-id")
        self.exchange = Exchange(info, match, decision, app, nothing, self.keep, lambda path: set(served))

    async def keep(self, message):
        self.messages.append(message)

    async def run(self) -> Answer:
        await Dispatcher(None, Bodies(), {}, {}, Unchanged()).dispatch(self.exchange, self.scope)
        return Answer(self.messages)


async def dispatched(app, method="GET", **more) -> Answer:
    return await Dispatched(app, method, **more).run()


# -- answers ------------------------------------------------------------------------------------


async def test_an_answer_is_handed_on_as_it_comes():
    found = await dispatched(says(START, part(b"a", more=True), part(b"b")))
    assert (found.status, found.body, len(found.messages)) == (200, b"ab", 3)


async def test_the_list_of_headers_an_upstream_sends_is_never_changed():
    mine = [(b"a", b"1")]
    exchange = Dispatched(says({"type": "http.response.start", "status": 200, "headers": mine}, part()))
    exchange.exchange.response.extra = [(b"x-served-by", b"catalog")]
    await exchange.run()
    assert mine == [(b"a", b"1")]


async def test_an_upstream_may_send_the_same_message_again_and_again():
    start = {"type": "http.response.start", "status": 200, "headers": []}

    async def app(scope, receive, send):
        await send(start)
        await send(part())

    for _ in range(2):
        exchange = Dispatched(app)
        exchange.exchange.response.extra = [(b"x-served-by", b"catalog")]
        assert (await exchange.run()).lines == [(b"x-served-by", b"catalog")]


async def test_an_outcome_knows_status_and_completeness():
    exchange = Dispatched(says(START, part(b"a")))
    await exchange.run()
    assert (exchange.exchange.status, exchange.exchange.response.complete) == (200, True)


# -- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (RuntimeError(SECRET), 500, "Internal Server Error"),
        (UpstreamError(502, SECRET), 502, "Bad Gateway"),
        (UpstreamError(504, SECRET), 504, "Gateway Timeout"),
    ],
    ids=["exception", "unreachable", "too slow"],
)
async def test_a_failure_before_the_first_byte_is_answered_for(error, status, text):
    found = await dispatched(says(then=error))
    assert (found.status, found.text, found.complete) == (status, text, True)


@pytest.mark.parametrize("error", [RuntimeError(SECRET), UpstreamError(502, SECRET)], ids=repr)
async def test_a_failure_after_the_first_byte_closes_the_connection(error):
    exchange = Dispatched(says(START, part(b"half", more=True), then=error))
    with pytest.raises(type(error)):
        await exchange.run()
    assert [message["type"] for message in exchange.messages] == ["http.response.start", "http.response.body"]


async def test_a_failure_after_the_last_byte_concerns_nobody_but_the_log(caplog):
    found = await dispatched(says(START, part(b"all"), then=RuntimeError("late")))
    assert (found.body, found.complete) == (b"all", True)
    assert "failed" in caplog.text


async def test_what_failed_is_logged_with_its_upstream_and_traceback(caplog):
    await dispatched(says(then=RuntimeError(SECRET)))
    (record,) = caplog.records
    assert record.getMessage() == "GET /items/: upstream 'catalog' failed"
    assert record.exc_info is not None


async def test_an_unreachable_upstream_is_logged_in_one_line(caplog):
    await dispatched(says(then=UpstreamError(502, "catalog can't be reached")))
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)


@pytest.mark.parametrize("gone", [ClientGone(), ClientDisconnect()], ids=repr)
async def test_a_client_that_left_is_no_failure(caplog, gone):
    found = await dispatched(says(then=gone))
    assert (found.messages, caplog.records) == ([], [])


async def test_a_socket_whose_client_left_is_no_failure(caplog):
    exchange = Dispatched(says({"type": "websocket.accept"}, then=WebSocketDisconnect(1001)), kind="websocket")
    await exchange.run()
    assert ([message["type"] for message in exchange.messages], caplog.records) == (["websocket.accept"], [])


async def test_a_failing_socket_that_was_not_accepted_is_closed():
    exchange = Dispatched(says(then=RuntimeError(SECRET)), kind="websocket")
    await exchange.run()
    assert exchange.messages == [{"type": "websocket.close", "code": 1011}]


async def test_a_socket_refused_with_an_answer_says_who_refused_it():
    refusal = {"type": "websocket.http.response.start", "status": 401, "headers": []}
    exchange = Dispatched(says(refusal, {"type": "websocket.http.response.body", "body": b"no"}), kind="websocket")
    exchange.exchange.response.extra = [(b"x-served-by", b"catalog")]
    await exchange.run()
    assert exchange.messages[0]["headers"] == [(b"x-served-by", b"catalog")]
    assert (exchange.exchange.status, exchange.exchange.response.complete) == (401, True)


async def test_a_failing_socket_that_was_accepted_is_left_to_the_server():
    exchange = Dispatched(says({"type": "websocket.accept"}, then=RuntimeError(SECRET)), kind="websocket")
    with pytest.raises(RuntimeError):
        await exchange.run()


# -- extensions ---------------------------------------------------------------------------------

FILE = {"type": "http.response.pathsend", "path": "/srv/a.txt"}


async def test_a_file_that_the_server_sends_is_a_whole_answer():
    exchange = Dispatched(says(START, FILE, then=RuntimeError("afterwards")))
    found = await exchange.run()
    assert (found.messages[1:], exchange.exchange.response.complete) == ([FILE], True)


async def test_what_comes_before_an_answer_or_after_it_is_handed_on():
    hint, trailers = {"type": "http.response.early_hint", "links": []}, {"type": "http.response.trailers"}
    exchange = Dispatched(says(hint, START, part(), trailers))
    found = await exchange.run()
    assert (found.messages[0], found.messages[-1], exchange.exchange.status) == (hint, trailers, 200)


# -- HEAD ---------------------------------------------------------------------------------------

GET_ONLY = Match("items", head_as_get=True)


@pytest.mark.parametrize(("opaque", "method"), [(False, "HEAD"), (True, "GET")])
async def test_head_is_asked_as_get_where_the_service_has_no_head(opaque, method):
    """By the service itself, in front of its endpoint, where it can be asked what it declares."""
    exchange = Dispatched(says(START, part(b"body")), "HEAD", match=Match("items", head_as_get=True, opaque=opaque))
    found = await exchange.run()
    assert (exchange.scope["method"], found.status, found.body) == (method, 200, b"")
    assert ADAPTED in exchange.scope


async def test_head_keeps_the_headers_of_get():
    start = START | {"headers": [(b"content-length", b"4")]}
    found = await dispatched(says(start, part(b"bo", more=True), part(b"dy")), "HEAD", match=GET_ONLY)
    assert (found["content-length"], found.complete) == ("4", True)


async def test_head_gets_no_file_from_the_server_either():
    exchange = Dispatched(says(START, FILE), "HEAD", match=GET_ONLY)
    found = await exchange.run()
    assert (found.body, found.complete, exchange.exchange.response.complete) == (b"", True, True)


async def test_head_is_left_alone_where_the_service_declares_it():
    exchange = Dispatched(says(START, part()), "HEAD", match=Match("items"))
    await exchange.run()
    assert exchange.scope["method"] == "HEAD"


async def test_head_is_left_alone_on_its_way_to_legacy():
    exchange = Dispatched(says(START, part()), "HEAD", match=GET_ONLY, legacy=True)
    await exchange.run()
    assert exchange.scope["method"] == "HEAD"


# -- Allow --------------------------------------------------------------------------------------


def refusal(*lines, status=405):
    return says({"type": "http.response.start", "status": status, "headers": list(lines)}, part())


@pytest.mark.parametrize(
    ("method", "status", "lines", "served", "allowed"),
    [
        ("DELETE", 405, [(b"Allow", b"GET, POST")], {"PUT"}, {"GET", "POST", "PUT"}),
        ("DELETE", 405, [(b"allow", b"GET"), (b"allow", b"POST")], {"PUT"}, {"GET", "POST", "PUT"}),
        ("DELETE", 405, [], {"PUT"}, {"PUT"}),
        ("DELETE", 405, [(b"allow", b"GET")], set(), {"GET"}),
        ("OPTIONS", 200, [(b"Allow", b"GET, OPTIONS")], {"PUT"}, {"GET", "OPTIONS", "PUT"}),
        ("OPTIONS", 200, [(b"allow", b"GET, GET")], {"GET"}, {"GET"}),
        ("OPTIONS", 204, [], {"PUT"}, set()),
        ("GET", 200, [(b"allow", b"GET")], {"PUT"}, {"GET"}),
    ],
)
async def test_allow_is_the_union_of_both_sides_where_methods_are_named(method, status, lines, served, allowed):
    found = await dispatched(refusal(*lines, status=status), method, served=served)
    assert found.methods() - {""} == allowed


async def test_allow_is_one_line():
    found = await dispatched(refusal((b"allow", b"GET"), (b"allow", b"POST")), "DELETE", served={"PUT"})
    assert len(found.all("allow")) == 1


# -- headers on the way in ----------------------------------------------------------------------


@pytest.mark.parametrize("legacy", [False, True], ids=["service", "legacy"])
async def test_header_names_with_underscores_reach_nobody(legacy):
    exchange = Dispatched(says(START, part()), headers={"X_User": "root", "X-Plain": "1"}, legacy=legacy)
    await exchange.run()
    assert [name for name, _ in exchange.scope["headers"]] == [b"host", b"x-plain"]


# -- the gateway's own words, and the log -------------------------------------------------------


async def test_an_answer_of_the_gateways_own_is_plain_text_of_known_length():
    messages = []

    async def send(message):
        messages.append(message)

    await answer(send, 404)
    found = Answer(messages)
    assert (found.status, found.text, found["content-length"]) == (404, "Not Found", "9")


async def test_a_finished_request_is_one_line_in_the_access_log(caplog):
    caplog.set_level(logging.INFO, "gateway.access")
    exchange = Dispatched(says(START, part()))
    await exchange.run()
    observe(exchange.exchange, Counters())
    assert caplog.records[-1].getMessage().startswith("GET /items/ 200 catalog ")


async def test_what_an_upstream_does_after_its_answer_keeps_nobody_waiting():
    clock = FrozenClock()

    async def service(scope, receive, send):
        await send(START)
        clock.advance(0.2)
        await send(part())
        clock.advance(60)

    exchange = Dispatched(service)
    known = exchange.exchange
    exchange.exchange = Exchange(
        known.info, None, known.decision, service, nothing, exchange.keep, lambda _: set(), clock
    )
    await exchange.run()
    assert exchange.exchange.seconds == pytest.approx(0.2)


async def test_the_access_log_has_its_facts_as_fields(caplog):
    caplog.set_level(logging.INFO, "gateway.access")
    exchange = Dispatched(says(START, part()), headers={"X-Request-ID": "abc"})
    await exchange.run()
    observe(exchange.exchange, Counters())
    record = caplog.records[-1]
    found = [getattr(record, name) for name in ("method", "path", "status", "upstream", "route", "request_id")]
    assert found == ["GET", "/items/", 200, "catalog", "items", "abc"]


async def test_a_request_without_answer_has_a_dash_for_a_status(caplog):
    caplog.set_level(logging.INFO, "gateway.access")
    exchange = Dispatched(says(then=ClientGone()))
    await exchange.run()
    observe(exchange.exchange, Counters())
    assert caplog.records[-1].getMessage().startswith("GET /items/ - catalog ")


async def test_a_line_end_in_a_path_makes_no_second_line_in_the_log(caplog):
    caplog.set_level(logging.INFO, "gateway.access")
    exchange = Dispatched(says(START, part()))
    exchange.exchange.info.path = "/a\nGET /admin/ 200"
    await exchange.run()
    observe(exchange.exchange, Counters())
    assert "\n" not in caplog.records[-1].getMessage()


async def test_the_access_log_costs_nothing_while_it_is_off(caplog):
    caplog.set_level(logging.WARNING, "gateway.access")
    exchange = Dispatched(says(START, part()))
    await exchange.run()
    observe(exchange.exchange, Counters())
    assert caplog.records == []
