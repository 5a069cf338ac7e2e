"""A route of which one side answers and the other is mirrored, and does what a test tells it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.project import sharing
from tests.support.asgi import ask, running, until

MIRROR = {"control": 0, "shadow": 100, "canary": 100, "live": 100}


@pytest.fixture(autouse=True)
def nothing_done_yet():
    sharing.acts.clear()
    for said in sharing.said.values():
        said.clear()


@pytest.fixture
def mirrored(gateway, project):
    """Let a mirror of `side` do `act`, and return what it said, once it is over: `await mirrored(act)`."""
    project.ROOT_URLCONF = "tests.project.sharing"

    async def mirror(act: Any, *, side: str = "service", path: str = "/s/sync/", service: Any = (), **more: Any) -> Any:
        sharing.acts[side] = act
        stage = "shadow" if side == "service" else "live"
        route = {"name": "s", "prefix": "/s", "service": "s", "stage": stage}
        route["mirror"] = MIRROR | more.pop("route", {})
        services = {"s": {"app": "tests.project.sharing:app"} | dict(service)}
        mirror = {"lag": 10} | more.pop("mirror", {})
        async with running(gateway(services=services, routes=[route], mirror=mirror)) as app:
            answer = await ask(app, path, **more)
            assert answer["x-served-by"] == ("legacy" if side == "service" else "s")
            seen = app.counters.take
            assert await until(lambda: over(seen().mirrors("s")))
            mirror_of.append(app)
            return sharing.said[side][-1] if sharing.said[side] else None

    mirror_of: list[Any] = []
    mirror.gateways = mirror_of  # type: ignore[attr-defined]
    return mirror


def over(seen: Any) -> bool:
    """Whether the mirror has been compared, or can't be."""
    return bool(seen.compared + seen.errors + sum(seen.dropped.values()))


@pytest.fixture
def mirrors(mirrored):
    """What was counted of the last mirror."""
    return lambda: mirrored.gateways[-1].counters.take().mirrors("s")
