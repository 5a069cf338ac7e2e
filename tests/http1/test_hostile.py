"""Hundreds of kinds of request, each sent to every parser that `serve` offers, for every upstream, by a proxy or not.

All parsers come to one verdict, it is the one in the table, and all upstreams see the same request.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from itertools import product

import pytest

from gateway.http1.protocols import MOST_UNWANTED
from tests.http1.conftest import Answers, Parsers
from tests.http1.kinds import ADDRESSES, BAD, CATEGORIES, OK, SCHEMES, Kind, kinds, proxies, request
from tests.http1.parsers import PARSERS, TRUST
from tests.support.server import PATIENCE

pytestmark = pytest.mark.server

UPSTREAMS = ("legacy", "async", "plain", "bridged", "far")
NAMES = [category.__name__ for category in CATEGORIES]
SERVERS = [f"{parser} {trust}" for parser, trust in product(PARSERS, TRUST)]
ALIKE = ("method", "path", "query", "host", "scheme", "client", "body", "cookie", "x-remote-user", "x-forwarded-user")
PROXIES = list(proxies())
Seen = dict[tuple[str, str], Answers]


@pytest.fixture(scope="module")
def parsers(start: Callable[..., Parsers]) -> Parsers:
    return start()


@pytest.fixture(scope="module")
def believing(start: Callable[..., Parsers]) -> Parsers:
    """A project that goes by its proxy's headers itself."""
    return start(
        USE_X_FORWARDED_HOST=True,
        USE_X_FORWARDED_PORT=True,
        SECURE_PROXY_SSL_HEADER=("HTTP_X_SCHEME_OF_OURS", "secure"),
        ALLOWED_HOSTS=["localhost", "testserver", "127.0.0.1"],
    )


def asked(parsers: Parsers, kinds: list[Kind], servers, upstreams) -> dict[str, Seen]:
    """By kind, what each server answers in the name of each upstream."""
    found: dict[str, Seen] = {kind.name: {} for kind in kinds}
    for (server, upstream, name), answers in parsers.ask_all(list(product(servers, upstreams, kinds))).items():
        found[name][server, upstream] = answers
    return found


@pytest.fixture(scope="module", params=NAMES)
def category(request: pytest.FixtureRequest, parsers: Parsers) -> list[tuple[Kind, Seen]]:
    """The kinds of one category, and what was answered."""
    of_category = list(CATEGORIES[NAMES.index(request.param)]())
    found = asked(parsers, of_category, SERVERS, UPSTREAMS)
    return [(kind, found[kind.name]) for kind in of_category]


def test_there_are_hundreds():
    assert len(kinds()) > 450


def test_every_parser_gives_the_verdict_of_the_table_for_every_upstream(category):
    wrong = {}
    for kind, seen in category:
        for (server, upstream), answers in seen.items():
            expected = (BAD, 1) if upstream in kind.refused_by else (kind.status, kind.answers)
            found = (answers[0][0] if answers else 0, len(answers))
            if found != expected:
                wrong[kind.name, server, upstream] = found
    assert wrong == {}


def test_nothing_is_a_failure_of_the_server(category):
    assert not [
        kind for kind, seen in category for answers in seen.values() if any(status >= 500 for status, _ in answers)
    ]


def test_every_upstream_sees_the_same_request_through_every_parser(category):
    different = {}
    for kind, seen in category:
        for trust in TRUST:
            sights = sights_of(seen, trust)
            if len(sights) > 1:
                different[kind.name, trust] = sights
    assert different == {}


def test_whom_the_gateway_believes_changes_nothing_but_what_proxies_say(category):
    for kind, seen in category:
        assert sights_of(seen, "trusted") == sights_of(seen, "untrusted") or kind in PROXIES, kind


def test_legacy_and_bridged_have_the_same_user(category):
    for kind, seen in category:
        users = {user(answers) for (_, upstream), answers in seen.items() if upstream in ("legacy", "async", "bridged")}
        assert len(users - {None}) <= 1, (kind, users)


def said(answers: Answers) -> list[dict]:
    """What an upstream says that it sees, of each request that it was asked."""
    return [
        json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
        for status, body in answers
        if status == OK and b"{" in body
    ]


def sights_of(seen: Seen, trust: str) -> set[str]:
    """All that is seen of a kind where proxies are trusted, or are not."""
    found = {sight(answers, upstream) for (server, upstream), answers in seen.items() if server.endswith(f" {trust}")}
    return found - {""}


def sight(answers: Answers, upstream: str) -> str:
    """What an upstream sees, apart from its own prefix and its server's port."""
    seen = [{name: str(one[name]) for name in ALIKE} for one in said(answers)]
    for one in seen:
        one["path"] = one["path"].replace(f"/{upstream}", "", 1)
        if one["host"].startswith("127.0.0.1:"):
            one["host"] = "127.0.0.1"
    return json.dumps(seen) if seen else ""


def user(answers: Answers) -> str | None:
    seen = said(answers)
    return seen[0]["user"] if seen else None


# -- what some of them must be, and not just alike ------------------------------------------------


def one(parsers: Parsers, server: str, *lines: str, upstream: str = "legacy") -> dict:
    """What an upstream sees of a request with these lines."""
    answers = parsers.ask(server, upstream, Kind("", request(*lines), OK))
    assert [status for status, _ in answers] == [OK], answers
    return said(answers)[0]


@pytest.mark.parametrize(("line", "client"), ADDRESSES.items())
def test_a_trusted_proxy_is_believed_from_the_right(parsers, line, client):
    assert one(parsers, "httptools trusted", f"X-Forwarded-For: {line}")["client"] == client


@pytest.mark.parametrize("line", ADDRESSES)
def test_nobody_else_is(parsers, line):
    assert one(parsers, "httptools untrusted", f"X-Forwarded-For: {line}")["client"] == "127.0.0.1"


@pytest.mark.parametrize(("line", "scheme"), SCHEMES.items())
def test_the_scheme_of_a_trusted_proxy_is_http_or_https(parsers, line, scheme):
    assert one(parsers, "httptools trusted", f"X-Forwarded-Proto: {line}")["scheme"] == scheme


def test_what_comes_after_a_body_is_no_header(parsers):
    names = ("Cookie: sessionid={session}", "X-Remote-User: root", "X-Forwarded-For: 6.6.6.6")
    for parser, upstream, line in product(PARSERS, UPSTREAMS, names):
        kind = next(kind for kind in kinds() if kind.name == f"trailer: {line!r}")
        (seen,) = said(parsers.ask(f"{parser} trusted", upstream, kind))
        assert (seen["cookie"], seen["x-remote-user"], seen["client"], seen["user"] or "") == ("", "", "127.0.0.1", "")


def test_the_session_of_the_only_cookie_line_counts(parsers):
    for parser, upstream in product(PARSERS, ("legacy", "bridged", "async")):
        assert one(parsers, f"{parser} trusted", "Cookie: sessionid={session}", upstream=upstream)["user"] == "staff"


@pytest.mark.parametrize("parser", PARSERS)
def test_a_head_of_a_hundred_megabytes_takes_no_memory(parsers, parser):
    before = parsers.memory
    with socket.create_connection(("127.0.0.1", parsers.ports[f"{parser} trusted"]), PATIENCE) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        try:
            for _ in range(100):
                connection.sendall(b"X-One: " + b"a" * 2**20)
        except ConnectionError:
            return  # cut off
        finally:
            assert parsers.memory - before < 20 * 2**20
        assert connection.recv(100).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("parser", PARSERS)
def test_what_is_refused_in_the_middle_of_a_body_is_answered(parsers, parser):
    for upstream in UPSTREAMS:
        with socket.create_connection(("127.0.0.1", parsers.ports[f"{parser} trusted"]), PATIENCE) as connection:
            head = f"POST /{upstream}/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            connection.sendall(head.encode())
            connection.sendall(b"nonsense\r\n")
            assert connection.recv(2**16).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("parser", PARSERS)
def test_a_body_that_comes_after_its_answer_is_passed_over_and_what_follows_is_answered(parsers, parser):
    with socket.create_connection(("127.0.0.1", parsers.ports[f"{parser} trusted"]), PATIENCE) as connection:
        answer = connection.makefile("rb")
        connection.sendall(b"LOCK /plain/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")
        assert answer.readline().startswith(b"HTTP/1.1 405 ")
        connection.sendall(b"hello" + request(target="/plain/x"))
        assert b"HTTP/1.1 200 OK\r\n" in answer.read()


@pytest.mark.parametrize("parser", PARSERS)
def test_a_long_body_that_comes_after_its_answer_is_cut_off(parsers, parser):
    with socket.create_connection(("127.0.0.1", parsers.ports[f"{parser} trusted"]), PATIENCE) as connection:
        connection.sendall(b"LOCK /plain/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 405 ")
        with pytest.raises(ConnectionError):
            connection.sendall(b"x" * (100 * MOST_UNWANTED))


# -- a project that goes by its proxy's headers ---------------------------------------------------

BELIEVED = {
    "X-Scheme-Of-Ours: secure": ("https", "localhost"),
    "X-Scheme-Of-Ours: secure, plain": ("https", "localhost"),
    "X-Scheme-Of-Ours: https": ("http", "localhost"),
    "X-Scheme-Of-Ours: plain, secure": ("http", "localhost"),
    "X-Scheme-Of-Ours:": ("http", "localhost"),
    "X_Scheme_Of_Ours: secure": ("http", "localhost"),
    "X-Forwarded-Host: testserver": ("http", "testserver"),
    "X-Forwarded-Host: testserver:8080": ("http", "testserver:8080"),
    "X-Forwarded-Port: 4444": ("http", "localhost"),
    "X-Forwarded-Proto: https": ("https", "localhost"),
}


@pytest.mark.parametrize(("line", "expected"), BELIEVED.items())
def test_what_the_project_takes_from_headers_of_its_own_every_upstream_has(believing, line, expected):
    for upstream in UPSTREAMS:
        seen = one(believing, "httptools trusted", line, upstream=upstream)
        assert (seen["scheme"], seen["host"]) == expected, upstream


@pytest.mark.parametrize(
    "line", ["X-Forwarded-Host: evil.example", "X-Forwarded-Host: testserver, localhost", "X-Forwarded-Host:"]
)
def test_a_forwarded_host_that_is_not_allowed_is_refused_for_every_upstream(believing, line):
    for upstream in UPSTREAMS:
        answers = believing.ask("h11 trusted", upstream, Kind("", request(line), BAD))
        assert [status for status, _ in answers] == [BAD]


def test_all_that_a_proxy_may_say_is_the_same_for_every_upstream_of_that_project(believing):
    for kind, seen in asked(believing, PROXIES, ["httptools trusted", "h11 untrusted"], UPSTREAMS).items():
        for server in ("httptools trusted", "h11 untrusted"):
            sights = {sight(answers, upstream) for (where, upstream), answers in seen.items() if where == server}
            statuses = {answers[0][0] for (where, _), answers in seen.items() if where == server}
            assert (len(sights), len(statuses)) == (1, 1), (kind, sights, statuses)


# -- sockets --------------------------------------------------------------------------------------

HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
SOCKETS = {
    "as it should be": (HANDSHAKE, 101),
    "with another option": (("Connection: keep-alive, Upgrade", *HANDSHAKE[1:]), 101),
    "in capitals": (("Connection: UPGRADE", "Upgrade: WebSocket", *HANDSHAKE[2:]), 101),
    "from another page": ((*HANDSHAKE, "Origin: https://evil.example"), 403),
    "from our own page": ((*HANDSHAKE, "Origin: http://localhost"), 101),
    "two cookies": ((*HANDSHAKE, "Cookie: a=1", "Cookie: b=1"), 400),
    "another host": ((*HANDSHAKE, "Host: evil.example"), 400),
    "no key": ((*HANDSHAKE[:2], HANDSHAKE[3]), 400),
    "an old version": ((*HANDSHAKE[:3], "Sec-WebSocket-Version: 8"), 400),
    "many headers": ((*HANDSHAKE, *(f"X-{number}: 1" for number in range(80))), 101),
    "a header of 10 KB": ((*HANDSHAKE, "X-One: " + "a" * 10_000), 431),
    "a header of 7 KB": ((*HANDSHAKE, "X-One: " + "a" * 7_000), 101),
}


@pytest.mark.parametrize("how", SOCKETS)
def test_every_parser_opens_the_same_sockets(parsers, how):
    lines, status = SOCKETS[how]
    for server, upstream in product(SERVERS, ("plain", "bridged")):
        assert handshake(parsers, server, upstream, lines) == status, (server, upstream)


def handshake(parsers: Parsers, server: str, upstream: str, lines) -> int:
    with socket.create_connection(("127.0.0.1", parsers.ports[server]), PATIENCE) as connection:
        connection.sendall(request(*lines, target=f"/{upstream}/x", close=None))
        return int(connection.recv(2**16)[9:12])
