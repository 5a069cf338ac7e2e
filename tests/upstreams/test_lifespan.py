"""The lifespan of one application."""

from __future__ import annotations

import pytest

from gateway.upstreams.lifespan import Lifespan, LifespanError

pytestmark = pytest.mark.anyio


def application(*, at_start="complete", at_stop="complete", before=None, after=None):
    """An application that answers lifespan messages as told."""
    seen: list[str] = []

    async def app(scope, receive, send):
        seen.append(scope["type"])
        scope["state"]["kept"] = "yes"
        if before is not None:
            raise before
        seen.append((await receive())["type"])
        await send({"type": f"lifespan.startup.{at_start}", "message": "no database"})
        if at_start == "failed":
            return
        seen.append((await receive())["type"])
        if after is not None:
            raise after
        await send({"type": f"lifespan.shutdown.{at_stop}", "message": "lost it"})

    return app, seen


async def test_an_application_is_started_and_stopped():
    app, seen = application()
    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown()
    assert seen == ["lifespan", "lifespan.startup", "lifespan.shutdown"]


async def test_what_the_application_stores_is_kept():
    lifespan = Lifespan(application()[0])
    await lifespan.startup()
    await lifespan.shutdown()
    assert lifespan.state == {"kept": "yes"}


async def test_an_application_that_refuses_to_start_says_why():
    with pytest.raises(LifespanError, match="no database"):
        await Lifespan(application(at_start="failed")[0]).startup()


async def test_an_application_that_fails_to_stop_says_why():
    lifespan = Lifespan(application(at_stop="failed")[0])
    await lifespan.startup()
    with pytest.raises(LifespanError, match="lost it"):
        await lifespan.shutdown()


async def test_an_application_that_raises_while_it_stops_says_what():
    lifespan = Lifespan(application(after=ValueError("broken"))[0])
    await lifespan.startup()
    with pytest.raises(LifespanError, match="broken"):
        await lifespan.shutdown()


@pytest.mark.parametrize("error", [ValueError("http only"), AssertionError(), KeyError("path")], ids=repr)
async def test_an_application_that_knows_no_lifespan_is_fine(error):
    lifespan = Lifespan(application(before=error)[0])
    await lifespan.startup()
    await lifespan.shutdown()


async def test_an_application_that_returns_at_once_is_fine():
    async def app(scope, receive, send):
        return

    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown()


async def test_what_was_never_started_is_not_stopped():
    await Lifespan(application()[0]).shutdown()


async def test_an_application_that_ended_by_itself_is_not_stopped():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})

    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown()


async def test_a_lifespan_can_be_run_again():
    app, seen = application()
    lifespan = Lifespan(app)
    for _ in range(2):
        await lifespan.startup()
        await lifespan.shutdown()
    assert seen.count("lifespan.shutdown") == 2
