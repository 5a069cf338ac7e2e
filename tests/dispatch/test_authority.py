"""The host of a request, where its client names none: that of the server."""

from __future__ import annotations

import pytest

from gateway.dispatch.scope import authority


@pytest.mark.parametrize(
    ("headers", "scheme", "server", "host"),
    [
        ([(b"host", b"shop.example")], "http", ("127.0.0.1", 8000), b"shop.example"),
        ([(b"host", b"")], "http", ("127.0.0.1", 8000), b""),
        ([], "http", ("127.0.0.1", 8000), b"127.0.0.1:8000"),
        ([], "http", ("shop.example", 80), b"shop.example"),
        ([], "https", ("shop.example", 443), b"shop.example"),
        ([], "http", ("shop.example", 443), b"shop.example:443"),
        ([], "http", ("/run/gateway.sock", None), b"localhost"),
        ([], "http", None, b""),
    ],
)
def test_it_is_that_of_the_header_or_else_of_the_server(headers, scheme, server, host):
    assert authority({"headers": headers, "scheme": scheme, "server": server}) == host
