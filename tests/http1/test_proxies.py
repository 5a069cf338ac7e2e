"""Whom a request came from, as the proxies in front of the server say."""

from __future__ import annotations

import asyncio

import pytest

from gateway.http1.proxies import Proxies, ProxyError

PEER = ("10.0.0.1", 5000)


def believed(trusted: str, forwarded: str = "", *, hops: int = 1, client=PEER, kind: str = "http", proto: str = ""):
    """Client and scheme of a request with these headers, from `client`, where `trusted` are."""
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    headers += [(b"x-forwarded-proto", proto.encode())] if proto else []
    scope = {"type": kind, "client": client, "scheme": {"http": "http", "websocket": "ws"}[kind], "headers": headers}

    async def app(scope, receive, send):
        pass

    asyncio.run(_awaited(Proxies(app, trusted, hops), scope))
    return scope["client"] and scope["client"][0], scope["scheme"]


async def _awaited(proxies, scope):
    await proxies(scope, None, None)


def client_of(*arguments, **more):
    return believed(*arguments, **more)[0]


@pytest.mark.parametrize(
    ("trusted", "hops", "forwarded", "client"),
    [
        ("10.0.0.1", 1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.0/8", 1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.0/8", 1, "6.6.6.6, 1.2.3.4, 10.0.0.2, 10.0.0.3", "1.2.3.4"),
        ("10.0.0.0/8", 1, "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("*", 1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("*", 2, "6.6.6.6, 1.2.3.4, 9.9.9.9", "1.2.3.4"),
        ("*", 3, "1.2.3.4, 9.9.9.9", "1.2.3.4"),
        ("*, 9.9.9.9", 1, "6.6.6.6, 1.2.3.4, 9.9.9.9", "1.2.3.4"),
        ("10.0.0.1", 2, "6.6.6.6, 1.2.3.4, 9.9.9.9", "1.2.3.4"),
        ("10.0.0.2", 1, "6.6.6.6, 1.2.3.4", "10.0.0.1"),
        ("", 1, "6.6.6.6", "10.0.0.1"),
        ("::ffff:10.0.0.1", 1, "6.6.6.6", "10.0.0.1"),
        ("2001:db8::/32", 1, "6.6.6.6", "10.0.0.1"),
    ],
)
def test_the_client_is_counted_from_the_right(trusted, hops, forwarded, client):
    assert client_of(trusted, forwarded, hops=hops) == client


def test_an_ipv4_proxy_on_a_socket_for_both_families_is_known():
    assert client_of("10.0.0.1", "1.2.3.4", client=("::ffff:10.0.0.1", 1)) == "1.2.3.4"


@pytest.mark.parametrize("trusted", ["", "127.0.0.1", "*"])
def test_the_other_end_of_a_unix_socket_is_one_proxy(trusted):
    assert client_of(trusted, "6.6.6.6, 1.2.3.4", client=None) == "1.2.3.4"
    assert client_of(trusted, "1.2.3.4, 127.0.0.1", client=None) == ("1.2.3.4" if "127" in trusted else "127.0.0.1")


def test_it_has_no_address_of_its_own():
    assert client_of("*", client=None) is None
    assert client_of("*", "unknown", client=None) is None


@pytest.mark.parametrize(
    ("hops", "forwarded", "proto", "scheme"),
    [
        (1, "1.2.3.4", "https", "https"),
        (1, "1.2.3.4", "https, http", "http"),
        (2, "1.2.3.4, 9.9.9.9", "https, http", "https"),
        (2, "1.2.3.4, 9.9.9.9", "https", "https"),
        (1, "", "HTTPS", "https"),
        (1, "", "nonsense", "http"),
    ],
)
def test_the_scheme_is_what_the_same_proxy_says(hops, forwarded, proto, scheme):
    assert believed("*", forwarded, hops=hops, proto=proto)[1] == scheme


@pytest.mark.parametrize("proto", ["https", "wss"])
def test_a_socket_is_wss_and_a_request_https_whatever_word_the_proxy_has(proto):
    assert believed("*", proto=proto, kind="websocket")[1] == "wss"
    assert believed("*", proto=proto)[1] == "https"


@pytest.mark.parametrize("trusted", ["localhost", "10.0.0.1/33", "10.0.0.1/8", "10.0.0.1 10.0.0.2", "nginx"])
def test_what_is_no_address_is_refused(trusted):
    with pytest.raises(ProxyError, match="no address or network"):
        Proxies(print, trusted)
