"""What Python's own library keeps to itself."""

from __future__ import annotations

import http.client
import io
import os
import random
import secrets
import threading

from gateway.compat.stdlib import body_through, replace_system_random, thread_target, tunnel_host


def test_what_a_thread_that_has_not_begun_will_run():
    assert thread_target(threading.Thread(target=print)) is print
    assert thread_target(threading.Thread()) is None


def test_where_a_proxy_leads_a_connection():
    connection = http.client.HTTPSConnection("proxy.example", 3128)
    assert tunnel_host(connection) is None

    connection.set_tunnel("inner.example", 443)

    assert tunnel_host(connection) == "inner.example"


def test_where_secrets_come_from():
    replace_system_random(lambda count: b"\0" * count)
    try:
        assert random.SystemRandom().getrandbits(64) == 0
        assert secrets.randbelow(1000) == 0
    finally:
        replace_system_random(os.urandom)
    assert random.SystemRandom().getrandbits(64) != 0


def test_what_a_response_is_read_from():
    class Sock:
        def makefile(self, _mode):
            return io.BytesIO(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    response = http.client.HTTPResponse(Sock())
    response.begin()
    assert body_through(response, lambda body: io.BytesIO(body.read().upper()))
    assert response.read() == b"OK"
    assert not body_through(response, lambda body: body)
