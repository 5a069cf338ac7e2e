"""What runs when a response is closed is done, though the server is told to stop as soon as the answer is there."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.legacy import pools
from gateway.legacy.upstream import DjangoUpstream
from tests.conftest import project_toml
from tests.project import gates
from tests.project import settings as project_settings
from tests.support.asgi import Connection, ask, running, scope

SERVICE = """
[services.bridged]
app = "tests.project.bridged:app"
[[routes]]
name = "b"
prefix = "/b"
service = "bridged"
"""
SLOW = "tests.project.middleware.slow_to_close"
ASYNC_ONLY = "tests.project.middleware.async_only"
TARGETS = ["/json/", "/file/10/", "/large/600000/", "/async/json/", "/b/plain/", "/b/sync/"]


@pytest.mark.server
@pytest.mark.parametrize("first", [[], [ASYNC_ONLY]], ids=["sync chain", "async chain"])
def test_the_last_work_of_a_request_outlives_a_sigterm(serve, first):
    chain = [*first, *project_settings.MIDDLEWARE, SLOW]
    with serve(project_toml(SERVICE), settings={"MIDDLEWARE": chain}) as server:
        for number, target in enumerate(TARGETS):
            assert server.request(f"{target}?closes=closed-{number}").status == 200
        server.stop()
    done = sorted(path.name for path in server.folder.glob("closed-*"))
    assert done == [f"closed-{number}" for number in range(len(TARGETS))]


@pytest.mark.anyio
async def test_a_view_that_never_returns_holds_the_end_up_for_so_long_and_is_told(project, monkeypatch, caplog):
    monkeypatch.setattr(pools, "LAST_WORK", 0.1)
    name = f"last-work-{threading.get_ident()}"
    async with running(DjangoUpstream(threads=1, static=False)) as upstream:
        connection = Connection(upstream.entry, scope(f"/waits/{name}/"))
        connection.body()
        assert await gates.wait_async(f"{name}-entered")
        connection.task.cancel()
    gates.open_gate(name)
    assert "threads that still work 0.1 s after the last answer: 1" in caplog.text


@pytest.mark.anyio
async def test_threads_that_have_nothing_to_do_hold_nobody_up(project, caplog):
    async with running(DjangoUpstream(threads=2, static=False)) as upstream:
        await asyncio.gather(*(ask(upstream.entry, "/json/") for _ in range(5)))
    assert upstream.pools.views.working == 0
    assert "still work" not in caplog.text
