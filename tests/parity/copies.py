"""What the tests of mirrors share: copies, and what was counted of route "m"."""

from __future__ import annotations

from types import SimpleNamespace

from gateway.mirroring.copy import Copy
from gateway.routing.request import RequestInfo
from tests.support.asgi import until


def finished(scope, request_id, asked, answer) -> Copy:
    """A copy of a request with this scope; without an `answer`, one that isn't finished."""
    info = RequestInfo("GET", "/", "", {})
    info.request_id = request_id
    policy = SimpleNamespace(mirror=SimpleNamespace(max_body=0), route="a route")
    copy = Copy("legacy", policy, None, info, scope, 0.0)
    if answer is not None:
        copy.wait(asked, answer)
    return copy


def counted(app):
    return app.counters.take().mirrors("m")


async def compared(app, times: int = 1) -> None:
    """Wait until so many mirrors have been compared, or could not be."""
    assert await until(lambda: counted(app).compared + counted(app).errors >= times)
