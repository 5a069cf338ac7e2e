"""What one process sends another to be mirrored arrives as it was; what is no copy is told from one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.parse import parse
from gateway.mirroring.wire import GREETING, PREFIX, MalformedFrameError, greeting, pack, unpack
from gateway.parity.answer import Answer, Sql
from gateway.parity.rows import Rows, TableInfo, Written
from tests.parity.copies import finished
from tests.support.server import environment

DOCUMENT = {
    "legacy": {"settings": "tests.project.settings"},
    "services": {"m": {"app": "tests.project.mirrored:app", "middleware": "none"}},
    "routes": [
        {"name": "m", "prefix": "/m", "service": "m", "claim": "all", "always": ["group:a", "group:b", "staff"]}
    ],
}

headers = st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=4)
address = st.none() | st.tuples(st.text(max_size=20), st.integers(0, 65535) | st.none())
scopes = st.fixed_dictionaries(
    {
        "method": st.text(max_size=8),
        "path": st.text(st.characters(), max_size=20),  # lone surrogates too
        "query_string": st.binary(max_size=20),
        "headers": headers,
        "client": address,
        "server": address,
    },
    optional={  # as the ASGI specification has it
        "raw_path": st.binary(max_size=20),
        "http_version": st.sampled_from(["1.0", "1.1", "2"]),
        "scheme": st.sampled_from(["http", "https"]),
        "root_path": st.text(max_size=5),
    },
)
values = st.recursive(st.none() | st.text(), lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)
tables = st.builds(TableInfo, st.text(), st.integers(0, 99), st.dictionaries(st.text(), st.text(), max_size=2))
written = st.builds(
    Written,
    st.text(),
    st.text(),
    st.none() | st.lists(values, max_size=3).map(tuple) | st.dictionaries(st.text(), values, max_size=3),
    st.none() | st.integers(0, 9),
    st.floats(0, 2**31),
    st.none() | st.text(),
)
rows = st.builds(
    Rows,
    st.lists(written, max_size=3).map(tuple),
    st.dictionaries(st.text(), tables, max_size=2),
    st.booleans(),
)
answers = st.builds(
    Answer,
    st.integers(100, 599),
    headers.map(tuple),
    st.binary(max_size=50),
    st.floats(0, 100),
    st.none() | st.builds(Sql, st.lists(st.text(), max_size=3).map(tuple), st.integers(0, 9)),
    rows=st.none() | rows,
)


def taken_apart(frame: bytes) -> list[bytes]:
    """As whoever receives it does."""
    (number, *sizes), parts, at = PREFIX.unpack_from(frame), [], PREFIX.size
    assert number == 7
    for size in sizes:
        parts.append(frame[at : at + size])
        at += size
    assert at == len(frame)
    return parts


@given(scopes, st.none() | st.binary(max_size=20), st.binary(max_size=50), answers)
def test_a_copy_arrives_as_it_was_sent(scope, request_id, asked, answer):
    sent = unpack(*taken_apart(pack(finished(scope, request_id, asked, answer), 7)))
    assert (sent.upstream, sent.route, sent.request_id) == ("legacy", "a route", request_id)
    assert (sent.request_body, sent.answer) == (asked, answer)
    assert scope.items() <= sent.scope.items()
    assert set(sent.scope) - set(scope) == {"type", "asgi"}


def test_addresses_have_two_parts():
    """Those that the system gives for IPv6 have four."""
    scope = {"headers": [], "client": ("::1", 1, 0, 0)}
    sent = unpack(*taken_apart(pack(finished(scope, None, b"", Answer(200, (), b"", 0.1)), 7)))
    assert sent.scope["client"] == ("::1", 1)


def test_what_only_the_server_of_a_request_has_stays_there():
    scope = {"type": "http", "path": "/", "headers": [], "state": {"pool": object()}, "extensions": {"tls": {}}}
    sent = unpack(*taken_apart(pack(finished(scope, None, b"", Answer(200, (), b"", 0.1)), 7)))
    assert not {"state", "extensions"} & set(sent.scope)


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode))
def test_what_is_no_head_is_told(head):
    with pytest.raises(MalformedFrameError):
        unpack(head, b"", b"")


@pytest.mark.parametrize(
    "key", ["headers", "texts", "client", "status", "sql", "rows", "request_id", "raw_path", "answered"]
)
@pytest.mark.parametrize("wrong", ["missing", {"a": 1}, [7]])
def test_what_is_nearly_a_head_is_told(key, wrong):
    head = json.loads(taken_apart(pack(finished({"headers": []}, None, b"", Answer(200, (), b"", 0.1)), 7))[0])
    if wrong == "missing":
        del head[key]
    else:
        head[key] = wrong
    with pytest.raises(MalformedFrameError):
        unpack(json.dumps(head).encode(), b"", b"")


WRITTEN = Written("shop_order", "INSERT INTO shop_order", ("paid",), 1, 0.0)


@pytest.mark.parametrize(
    ("part", "wrong"), [('["paid"]', '"paid"'), ('"INSERT INTO shop_order"', "7"), ('"shop_order"', "null")]
)
def test_what_is_nearly_a_row_is_told(part, wrong):
    answer = Answer(200, (), b"", 0.1, rows=Rows((WRITTEN,), {"shop_order": TableInfo("id", 1)}))
    head = taken_apart(pack(finished({"headers": []}, None, b"", answer), 7))[0].decode()
    text = json.dumps(json.loads(head), separators=(",", ":"))
    assert part in text
    with pytest.raises(MalformedFrameError):
        unpack(text.replace(part, wrong, 1).encode(), b"", b"")


def test_what_nobody_would_take_is_not_sent():
    """Two hundred statements of any length are kept of a request."""
    sql = Sql(tuple("x" * 30_000 for _ in range(200)), 200)
    assert pack(finished({"headers": []}, None, b"", Answer(200, (), b"", 0.1, sql)), 7) is None


def test_headers_that_nobody_would_take_are_not_sent():
    scope = {"headers": [(b"a", b"\xff" * 700_000)]}
    assert pack(finished(scope, None, b"", Answer(200, (), b"", 0.1)), 7) is None


def test_an_unfinished_copy_is_not_sent():
    with pytest.raises(ValueError, match="not finished"):
        pack(finished({"headers": []}, None, b"", None), 7)


# -- what both sides have in common ----------------------------------------------------------------


@pytest.mark.long
def test_two_processes_with_one_configuration_greet_each_other_alike():
    """Whatever they hash by, and wherever the file is."""
    script = (
        "import json, sys; from gateway.config.parse import parse; from gateway.mirroring.wire import greeting\n"
        "print(greeting(parse(json.loads(sys.argv[1]), 'elsewhere.toml')[0]).decode())"
    )
    command = [sys.executable, "-c", script, json.dumps(DOCUMENT)]
    done = subprocess.run(
        command, env=environment(PYTHONHASHSEED="7"), capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip().encode() == greeting(parse(DOCUMENT)[0])


def test_another_configuration_is_another_greeting():
    changed = {**DOCUMENT, "routes": [{**DOCUMENT["routes"][0], "compare": {"ignore": ["/at"]}}]}
    ours, theirs = greeting(parse(DOCUMENT)[0]), greeting(parse(changed)[0])
    assert ours != theirs
    assert len(ours) == len(theirs) == GREETING
