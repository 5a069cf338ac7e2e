"""A side of a replay asks no other server: it is given what was recorded, and what it asks for is noted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
import requests
import urllib3

from gateway.context.mirror_scope import NotShielded, mirror_scope
from gateway.context.recording import Recorder
from gateway.shield.sockets import shield_sockets
from gateway.workbench.corpus import Outbound, RecordedResponse
from gateway.workbench.replay.alone import ReplayScope
from gateway.workbench.replay.outbound import RecordedAnswers
from tests.support.clients import CLIENTS, Ask, by_http_client, by_httpx, by_requests
from tests.support.outside import Outside, outside

JSON = "application/json"
ONE = RecordedResponse(200, (("content-type", JSON), ("x-from", "the recording")), b'{"rate": 1}')
TWO = RecordedResponse(200, (("content-type", JSON),), b'{"rate": 2}')
REFUSED = (NotShielded, OSError, urllib3.exceptions.ProtocolError)


@pytest.fixture(autouse=True)
def shielded() -> None:
    shield_sockets()


@pytest.fixture
def server() -> Iterator[Outside]:
    with outside() as found:
        yield found


def scope(*recorded: Outbound, hosts: frozenset[str] = frozenset()) -> ReplayScope:
    return ReplayScope(Recorder(), writes=True, rolls_back=False, hosts=hosts, recorded=recorded)


def rates(answer: RecordedResponse | None = ONE, **more: object) -> Outbound:
    return Outbound("GET", "https://rates.example/eur?day=1", answer=answer, **more)  # type: ignore[arg-type] # of it


def charge(body: bytes, answer: RecordedResponse = ONE) -> Outbound:
    return Outbound("POST", "https://pay.example/charge", (("content-type", JSON),), body, answer)


def each(*asks: Ask) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("ask", asks or CLIENTS, ids=lambda ask: ask.__name__)


# -- what is given --------------------------------------------------------------------------------


@each()
def test_a_recorded_answer_is_played_back(ask):
    with mirror_scope(scope(rates())) as alone:
        assert ask("GET", "https://rates.example/eur?day=1") == (200, ONE.body)
    assert alone.refusal is None


@each()
def test_a_request_with_a_body_is_known_by_the_shape_of_it(ask):
    recorded = charge(b'{"amount": 1}', ONE), charge(b'{"sum": 1}', TWO)
    with mirror_scope(scope(*recorded)):
        assert ask("POST", "https://pay.example/charge", b'{"sum": 7}', JSON) == (200, TWO.body)


@each()
def test_what_was_not_recorded_is_refused_and_nobody_is_asked(ask, server):
    with mirror_scope(scope(rates())) as alone, pytest.raises(REFUSED):
        ask("GET", f"{server.url}/other")
    assert server.asked == []
    assert alone.refused_request
    assert "127.0.0.1" in (alone.refusal or "")


@each()
def test_unless_the_server_may_be_asked(ask, server):
    with mirror_scope(scope(rates(), hosts=frozenset({"127.0.0.1"}))) as alone:
        status, body = ask("POST", f"{server.url}/other", b"12", JSON)
    assert (status, json.loads(body)["got"]) == (200, "12")
    assert [one[0] for one in server.asked] == ["POST"]
    assert alone.refusal is None


@each()
def test_callers_ask_the_server_itself(ask, server):
    assert ask("GET", f"{server.url}/x")[0] == 200
    assert server.asked == [("GET", "/x", b"")]


@each(by_http_client, by_requests, by_httpx)
@pytest.mark.parametrize("failed", ["timeout", "connection"])
def test_what_failed_fails_again(ask, failed):
    with mirror_scope(scope(rates(None, failed=failed))), pytest.raises((OSError, httpx.TransportError)) as raised:
        ask("GET", "https://rates.example/eur?day=1")
    timed_out = "timeout" in type(raised.value).__name__.lower()
    assert timed_out is (failed == "timeout")


def test_headers_come_with_it():
    with mirror_scope(scope(rates())):
        assert requests.get("https://rates.example/eur?day=1", timeout=1).headers["x-from"] == "the recording"
        assert httpx.get("https://rates.example/eur?day=1").json() == {"rate": 1}


def test_an_empty_answer_is_one():
    with mirror_scope(scope(rates(RecordedResponse(204)))):
        assert by_requests("GET", "https://rates.example/eur?day=1") == (204, b"")
        assert by_httpx("GET", "https://rates.example/eur?day=1") == (204, b"")


def test_connections_that_are_kept_open_are_given_it_too(server):
    """What was connected for a caller is not used for a side."""
    with requests.Session() as session:
        session.get(f"{server.url}/kept")
        url = f"{server.url}/kept"
        with mirror_scope(scope(Outbound("GET", url, answer=ONE))):
            assert session.get(url).json() == {"rate": 1}
            assert session.get(url).json() == {"rate": 1}
        with mirror_scope(scope()), pytest.raises(REFUSED):
            session.get(url)
        assert session.get(url).json()["times"] == 2


def test_several_tasks_may_ask_at_once():
    async def ask() -> list[object]:
        async with httpx.AsyncClient() as client:
            answers = await asyncio.gather(*(client.get("https://rates.example/eur?day=1") for _ in range(3)))
            return [answer.json()["rate"] for answer in answers]

    with mirror_scope(scope(rates(ONE), rates(TWO))):
        assert asyncio.run(ask()) == [1, 2, 2]


# -- which one ------------------------------------------------------------------------------------


def given(recorded: list[Outbound], *asked: tuple[str, str, bytes]) -> list[bytes | None]:
    answers = RecordedAnswers(recorded)
    found = [answers.next(method, url, JSON, body) for method, url, body in asked]
    return [None if one is None or one.answer is None else one.answer.body for one in found]


CHARGE = ("POST", "https://pay.example/charge")


def test_equal_requests_get_the_answers_in_their_order_and_then_the_last_again():
    recorded = [charge(b'{"a": 1}', RecordedResponse(200, (), text)) for text in (b"first", b"second")]
    assert given(recorded, *[(*CHARGE, b'{"a": 1}')] * 4) == [b"first", b"second", b"second", b"second"]


def test_the_same_body_comes_before_one_of_the_same_shape():
    recorded = [
        charge(b'{"a": 1}', RecordedResponse(200, (), b"one")),
        charge(b'{"a": 2}', RecordedResponse(200, (), b"two")),
    ]
    asked = [(*CHARGE, b'{"a": 2}'), (*CHARGE, b'{"a": 1}'), (*CHARGE, b'{"a": 3}')]
    assert given(recorded, *asked) == [b"two", b"one", b"two"]


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("PUT", "https://pay.example/charge", b'{"a": 1}'),
        ("POST", "https://pay.example/charge/", b'{"a": 1}'),
        ("POST", "http://pay.example/charge", b'{"a": 1}'),
        ("POST", "https://pay.example/charge?x=1", b'{"a": 1}'),
        ("POST", "https://pay.example/charge", b'{"b": 1}'),
        ("POST", "https://pay.example/charge", b""),
    ],
)
def test_another_request_gets_none(method, url, body):
    assert given([charge(b'{"a": 1}')], (method, url, body)) == [None]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://mail.example/users/ada@example.org?key=other", True),
        ("https://mail.example/users/ada@example.org?name=other", False),
        ("https://mail.example/users/ada/posts?key=other", False),
    ],
)
def test_a_url_with_pseudonyms_is_known_by_its_path_and_the_names_in_its_query(url, found):
    recorded = Outbound("GET", "https://mail.example/users/x1@example.com?key=Aa1", answer=ONE, masked=True)
    assert given([recorded], ("GET", url, b"")) == [ONE.body if found else None]


def test_a_body_that_was_left_out_is_known_by_its_media_type():
    recorded = Outbound("POST", CHARGE[1], (("content-type", JSON),), b"", ONE)
    assert given([recorded], (*CHARGE, b"anything")) == [ONE.body]


# -- what is noted --------------------------------------------------------------------------------


@each()
def test_what_is_asked_for_is_noted_with_its_values(ask):
    with mirror_scope(scope(charge(b'{"amount": 1}'))) as alone:
        ask("POST", "https://pay.example/charge", b'{"amount": 7}', JSON)
    ((noted),) = alone.intended()
    assert (noted.kind, noted.place) == ("request", "POST https://pay.example/charge")
    assert noted.value == {"query": {}, "body": {"amount": 7}}


FORM = "application/x-www-form-urlencoded"


@each(by_requests, by_httpx)
@pytest.mark.parametrize(
    ("media_type", "sent", "noted"),
    [
        (FORM, b"a=1&b=2&b=3", {"a": "1", "b": ["2", "3"]}),
        ("application/merge-patch+json", b'{"a": 1}', {"a": 1}),
        ("text/plain", b"seven", "seven"),
        (JSON, b'{"a": ', '{"a": '),
    ],
)
def test_a_body_is_noted_as_its_media_type_says(ask, media_type, sent, noted):
    recorded = Outbound(*CHARGE, (("content-type", media_type),), sent, ONE)
    with mirror_scope(scope(recorded)) as alone:
        ask(*CHARGE, sent, media_type)
    ((found),) = alone.intended()
    assert found.value == {"query": {}, "body": noted}


def test_headers_of_the_connection_and_of_the_length_are_not_the_recorded_ones():
    headers = (("content-length", "99"), ("transfer-encoding", "chunked"), ("x-from", "the recording"))
    with mirror_scope(scope(rates(RecordedResponse(200, headers, b"short")))):
        for client in (requests, httpx):
            answer = client.get("https://rates.example/eur?day=1", timeout=1)
            assert (answer.content, answer.headers["x-from"]) == (b"short", "the recording")
            assert "transfer-encoding" not in answer.headers
