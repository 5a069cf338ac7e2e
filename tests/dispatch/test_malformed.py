"""What no server can send is noticed before a byte is on its way."""

from __future__ import annotations

import pytest

from gateway.dispatch.malformed import Malformed, check_start


@pytest.mark.parametrize("status", [100, 200, 204, 404, 599])
def test_an_answer_that_can_be_sent_passes(status):
    check_start(
        {"status": status, "headers": [(b"content-type", b"text/plain"), (b"x-greek", "λ".encode()), (b"x", b"\t")]}
    )


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"status": None},
        {"status": "200"},
        {"status": 99},
        {"status": 600},
        {"status": 200, "headers": None},
        {"status": 200, "headers": [b"x"]},
        {"status": 200, "headers": [("x-text", "text")]},
        {"status": 200, "headers": [(b"x y", b"")]},
        {"status": 200, "headers": [(b"", b"")]},
        {"status": 200, "headers": [(b"x", b"a\r\nset-cookie: b")]},
        {"status": 200, "headers": [(b"x", b"\0")]},
    ],
)
def test_an_answer_that_can_not_be_sent_does_not(message):
    with pytest.raises(Malformed, match="its answer"):
        check_start(message)


def test_what_is_wrong_with_a_header_is_said_without_its_value():
    with pytest.raises(Malformed) as caught:
        check_start({"status": 200, "headers": [(b"set-cookie", b"sessionid=open-sesame\n")]})
    assert "set-cookie" in str(caught.value)
    assert "sesame" not in str(caught.value)
