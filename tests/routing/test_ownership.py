"""Who owns a path that Django does not have, and which readings of it are refused."""

import pytest

from gateway.compile import compile_snapshot
from gateway.config.parse import parse
from gateway.dispatch.errors import UpstreamError
from gateway.routing.request import BadRequest, read_request
from gateway.routing.table import EndpointPattern
from gateway.snapshot import Snapshot
from gateway.upstreams.remote import RemoteUpstream


def snapshot(**route) -> Snapshot:
    document = {
        "legacy": {"settings": "x"},
        "services": {"s": {"url": "http://127.0.0.1:9"}},
        "routes": [{"name": "r", "service": "s", **route}],
    }
    config, _ = parse(document)
    endpoints = {"s": [EndpointPattern("/new/x/", frozenset({"GET", "POST"}))]}
    return compile_snapshot(config, endpoints, known=lambda _: False)[0]


def asked(made: Snapshot, method: str, path: str):
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": []}
    return made.match(read_request(scope, "", None), scope)


def test_a_route_that_lists_its_methods_hands_on_no_other_though_django_lacks_the_path():
    assert asked(snapshot(prefix="/new", methods=["GET"]), "POST", "/new/x/").route is None


def test_a_route_without_methods_lets_its_service_refuse_one():
    assert asked(snapshot(prefix="/new"), "DELETE", "/new/x/").route == "r"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("route", [{"methods": ["GET"]}, {}])
def test_dot_segments_that_leave_the_prefix_are_refused_or_legacys(method, route):
    made = snapshot(prefix="/new", claim="all", **route)
    try:
        match = asked(made, method, "/new/../admin/users/1")
    except BadRequest:
        return
    assert match is None or match.route is None


@pytest.mark.anyio
async def test_a_remote_service_never_gets_dot_segments():
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": "/a/../b", "raw_path": b"/a/%2e%2e/b", "query_string": b""}
    upstream = RemoteUpstream("far", "http://127.0.0.1:9/base")
    with pytest.raises(UpstreamError, match="dot segments"):
        await upstream.entry(scope | {"headers": []}, receive, receive)
    await upstream.shutdown()


def test_a_target_that_is_no_url_is_refused():
    with pytest.raises(BadRequest):
        read_request(
            {"type": "http", "method": "GET", "path": "http://[x", "raw_path": b"http://[x", "headers": []}, "", None
        )
