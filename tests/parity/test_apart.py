"""Mirrors that another process makes: what the two say to each other, and what becomes of each copy."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.mirroring import sender
from gateway.mirroring.delivery import Delivery
from gateway.mirroring.receiver import Receiver
from gateway.mirroring.wire import ACCEPTED, DONE, GREETING, PREFIX, ReceivedCopy, greeting, pack
from gateway.parity.answer import Answer
from tests.parity.copies import compared, counted, finished
from tests.project import mirrored
from tests.support.asgi import ask, running, scope, until

pytestmark = pytest.mark.anyio
ROUTE = {"name": "m", "prefix": "/m", "service": "m", "stage": "shadow", "claim": "all"}


@pytest.fixture(autouse=True)
def asked():
    mirrored.asked.clear()
    return mirrored.asked


@pytest.fixture
def path():
    """A short one: the path of a socket has a hundred characters at most."""
    folder = tempfile.mkdtemp(prefix="gateway")
    yield Path(folder, "mirrors.sock")
    shutil.rmtree(folder)


@pytest.fixture
def build(gateway, project, path, scratch):
    """Build a gateway that has its mirrors made at `path`; keyword arguments are more keys of the route."""
    project.MIDDLEWARE = []

    def build(*, mirror=None, settings=None, **route):
        table = ROUTE | {"mirror": {"control": 0} | (mirror or {})} | route
        services = {"m": {"app": "tests.project.mirrored:app", "middleware": "none"}}
        mirrors = {"lag": 10, "socket": str(path), "database": scratch}
        return gateway(services=services, routes=[table], mirror=mirrors | (settings or {}))

    return build


@contextlib.asynccontextmanager
async def mirroring(app, path):
    """`app` as `gateway mirrors` runs it."""
    receiver = app.mirroring.take_mirrors()
    await app.startup()
    listening = await asyncio.start_unix_server(receiver, path)
    yield app
    listening.close()
    receiver.stop()
    await app.shutdown()
    receiver.close()
    path.unlink(missing_ok=True)  # from Python 3.13 on, it is gone


@contextlib.asynccontextmanager
async def apart(build, path, **route):
    """One gateway that serves, and one that mirrors for it."""
    async with mirroring(build(**route), path) as mirrors, running(build(**route)) as app:
        yield app, mirrors


# -- who does what -------------------------------------------------------------------------------


async def test_another_process_asks_the_service_and_counts_it(build, path, asked):
    async with apart(build, path) as (app, mirrors):
        answer = await ask(app, "/m/same/")
        assert (answer.status, answer["x-served-by"]) == (200, "legacy")
        await compared(mirrors)
        ours, theirs = counted(app), counted(mirrors)
        assert (ours.mirrored, ours.compared, ours.dropped) == (0, 0, {})
        assert (theirs.mirrored, theirs.equal, theirs.dropped) == (1, 1, {})
        taken = mirrors.counters.take()
        assert taken.side("m", "service mirrored").requests == 1
        assert taken.side("m", "legacy").requests == 0  # which the process counted that served it
    assert asked == ["GET /m/same/"]


async def test_what_differs_is_found_there(build, path):
    async with apart(build, path) as (app, mirrors):
        await ask(app, "/m/price/?a=1")
        await compared(mirrors)
        [group] = mirrors.difference_log.drain().groups
        assert (group.template, group.summary) == ("GET /m/{what}/", "type of /price changed, string → number")
        assert group.examples[0].target == "/m/price/?a=1"
        assert app.difference_log.drain().groups == ()


async def test_the_request_is_the_same(build, path):
    headers = {"Cookie": "a=b", "X-Request-ID": "abc", "Accept-Language": "el", "Content-Length": "3"}
    async with apart(build, path, mirror={"methods": ["POST"]}) as (app, mirrors):
        await ask(app, "/m/echo/?a=1&a=2", "POST", body=b"abc", headers=headers)
        await compared(mirrors)
        assert (counted(mirrors).equal, mirrors.difference_log.drain().groups) == (1, ())


async def test_a_request_without_an_identifier_keeps_the_one_it_got(build, path):
    async with apart(build, path) as (app, mirrors):
        await ask(app, "/m/echo/")  # which tells the identifier
        await compared(mirrors)
        assert counted(mirrors).equal == 1


async def test_the_host_is_the_one_that_the_proxy_gave(build, path, project):
    project.USE_X_FORWARDED_HOST = True
    async with apart(build, path, stage="live", mirror={"live": 100}) as (app, mirrors):
        answer = await ask(app, "/m/same/", headers={"Host": "inside", "X-Forwarded-Host": "testserver"})
        assert answer["x-served-by"] == "m"
        await compared(mirrors)
        assert counted(mirrors).equal == 1
        assert mirrors.counters.take().side("m", "legacy mirrored").requests == 1


async def test_controls_are_made_there(build, path):
    async with apart(build, path, mirror={"control": 100}) as (app, mirrors):
        await ask(app, "/m/random/")
        assert await until(lambda: counted(mirrors).controls == 1)


async def test_what_another_route_claims_is_refused(build, path):
    async with mirroring(build(), path) as mirrors:
        done = []
        sent = ReceivedCopy("legacy", "m", scope("/elsewhere/"), None, b"", Answer(200, (), b"", 0.1))
        mirrors.mirroring.delivery.take(sent, lambda: done.append(True))
        assert (counted(mirrors).dropped, done) == ({"refused": 1}, [True])


# -- when it is not there ------------------------------------------------------------------------


async def test_without_that_process_everything_is_dropped(build, asked, caplog):
    async with running(build()) as app:
        for _ in range(3):
            assert (await ask(app, "/m/same/")).status == 200
        assert counted(app).dropped == {"away": 3}
    assert [record.message.partition(":")[0] for record in caplog.records if record.name == "gateway.parity"] == [
        'no mirrors until "gateway mirrors" runs'
    ]
    assert asked == []


async def test_where_nothing_is_mirrored_nobody_is_looked_for(gateway, path, caplog):
    with caplog.at_level(logging.INFO, "gateway.parity"):
        async with running(gateway(mirror={"socket": str(path)})):
            pass
    assert caplog.records == []


async def test_a_process_with_another_configuration_is_told_so(build, path, caplog):
    async with mirroring(build(compare={"ignore": ["/at"]}), path) as mirrors, running(build()) as app:
        await ask(app, "/m/same/")
        assert counted(app).dropped == {"away": 1}
        assert counted(mirrors).mirrored == 0
    messages = [record.message for record in caplog.records]
    assert "a process that serves has another configuration or version: restart both" in messages
    assert any(
        message.endswith("it was started with another configuration or version: restart it") for message in messages
    )


async def test_what_was_sent_and_not_done_is_counted(build, path):
    """The other process ends in the middle of it, and nobody there can count any more."""

    async def ends(reader, writer):
        await reader.readexactly(len(greeting(app.config)))
        writer.write(b"+")
        await reader.readexactly(PREFIX.size)
        writer.close()

    app = build()
    async with await asyncio.start_unix_server(ends, path), running(app):
        await ask(app, "/m/same/")
        assert await until(lambda: counted(app).dropped == {"away": 1})


async def test_what_is_done_is_not_counted_when_the_other_process_ends(build, path, monkeypatch):
    monkeypatch.setattr(sender, "AGAIN", 0.01)
    async with running(build()) as app:
        async with mirroring(build(), path) as mirrors:
            assert await until(lambda: app.mirrors.sender.away(app.clock.monotonic()) is False)
            await ask(app, "/m/same/")
            await compared(mirrors)
        assert await until(lambda: app.mirrors.sender.away(app.clock.monotonic()))
        assert counted(app).dropped == {}


async def test_what_the_other_process_drops_as_it_stops_is_counted_there_only(build, path, asked, monkeypatch):
    monkeypatch.setattr(sender, "AGAIN", 0.01)
    async with running(build()) as app:
        async with mirroring(build(settings={"delay": 100.0}), path) as mirrors:
            app.mirrors.sender._greeting = greeting(mirrors.config)
            assert await until(lambda: app.mirrors.sender.away(app.clock.monotonic()) is False)
            await ask(app, "/m/same/")
            assert await until(lambda: len(mirrors.mirrors.queue) == 1)
        assert await until(lambda: app.mirrors.sender.away(app.clock.monotonic()))
        assert (counted(app).dropped, counted(mirrors).dropped) == ({}, {"stopped": 1})
    assert asked == []


@pytest.mark.slow
async def test_a_server_that_stops_leaves_what_it_sent_to_be_mirrored(build, path):
    async with mirroring(build(settings={"delay": 0.2}), path) as mirrors:
        async with running(build(settings={"delay": 0.2})) as app:
            await ask(app, "/m/same/")
            assert await until(lambda: len(mirrors.mirrors.queue) == 1)
        await compared(mirrors)
        assert counted(app).dropped == {}


# -- what comes in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        PREFIX.pack(1, 2**31, 0, 0),
        PREFIX.pack(1, 2, 2**31, 0),
        PREFIX.pack(1, 2, 0, 2**31),
        PREFIX.pack(1, 2, 0, 0) + b"{}",
        PREFIX.pack(1, 2, 0, 0) + b"no",
    ],
)
async def test_what_is_no_copy_of_a_request_is_cut_off(build, path, frame, caplog):
    async with apart(build, path) as (app, mirrors):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(greeting(mirrors.config) + frame)
        assert await reader.read() == b"+"
        writer.close()
        assert "what is no copy of a request" in caplog.text
        await ask(app, "/m/same/")  # the others are still there
        await compared(mirrors)


async def test_who_says_nothing_holds_nobody_up(build, path):
    async with apart(build, path) as (app, mirrors):
        _, writer = await asyncio.open_unix_connection(path)
        await ask(app, "/m/same/")
        await compared(mirrors)
        writer.close()


async def test_what_is_too_long_to_be_sent_is_counted(build, path, monkeypatch):
    monkeypatch.setattr("gateway.mirroring.wire.MOST_HEAD", 10)
    async with apart(build, path) as (app, _):
        await ask(app, "/m/same/")
        assert await until(lambda: counted(app).dropped == {"size": 1})


async def test_what_can_not_be_sent_is_counted(build, path, monkeypatch):
    def fails(copy, number):
        raise ValueError("what no server sends")

    async with apart(build, path) as (app, _):
        with monkeypatch.context() as patched:
            patched.setattr("gateway.mirroring.sender.pack", fails)
            await ask(app, "/m/same/")
            assert await until(lambda: counted(app).dropped == {"refused": 1})


# -- the conversation ------------------------------------------------------------------------------


class Peer:
    """The other process, by hand."""

    def __init__(self, path, accepts=True):
        self._path = path
        self._accepts = accepts
        self.greeted = 0

    async def __aenter__(self):
        self.connected = asyncio.Queue()
        self._server = await asyncio.start_unix_server(self._come, self._path)
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _come(self, reader, writer):
        self.greeted += 1
        await reader.readexactly(GREETING)
        if self._accepts:
            writer.write(ACCEPTED)
        self.connected.put_nowait((reader, writer))

    async def number(self, reader):
        """That of the next copy."""
        number, *sizes = PREFIX.unpack(await reader.readexactly(PREFIX.size))
        await reader.readexactly(sum(sizes))
        return number


def waits(app):
    """The numbers of the copies that were sent and are not done."""
    return [*app.mirrors.sender._sent]


async def test_what_was_done_is_told_by_its_number_in_any_order_and_in_any_pieces(build, path):
    async with Peer(path) as peer, running(build()) as app:
        reader, writer = await peer.connected.get()
        for _ in range(4):
            await ask(app, "/m/same/")
        first, second, third, fourth = [await peer.number(reader) for _ in range(4)]
        assert waits(app) == [first, second, third, fourth]
        writer.write(DONE.pack(third) + DONE.pack(second) + DONE.pack(fourth)[:1])
        assert await until(lambda: waits(app) == [first, fourth])
        writer.write(DONE.pack(fourth)[1:])
        assert await until(lambda: waits(app) == [first])
        writer.close()
        assert await until(lambda: counted(app).dropped == {"away": 1})


async def test_a_server_that_stops_closes_its_connection(build, path):
    async with Peer(path) as peer:
        async with running(build()):
            reader, writer = await peer.connected.get()
        assert await reader.read() == b""
        writer.close()


async def test_what_was_not_written_when_a_server_stops_is_counted(build, path, project):
    """The other process reads nothing, and what the system takes of it is full."""
    async with Peer(path) as peer, running(build(mirror={"methods": ["POST"], "max_body": 2**20})) as app:
        _, writer = await peer.connected.get()
        body = b"x" * 2**19
        for _ in range(8):
            await ask(app, "/m/same/", "POST", body=body, headers={"Content-Length": str(len(body))})
        assert await until(lambda: len(waits(app)) == 8)
        await app.mirrors.shutdown()
        assert 6 <= counted(app).dropped["stopped"] <= 8
        assert waits(app) == []
        writer.close()


async def test_what_had_arrived_is_mirrored_after_its_server_has_ended(build, path):
    """Though it can't be told that it is done."""
    async with mirroring(build(settings={"delay": 0.001}), path) as mirrors:
        app = build(settings={"delay": 0.001})
        async with running(app):
            for _ in range(3):
                await ask(app, "/m/same/")
            assert await until(lambda: len(waits(app)) + counted(mirrors).compared == 3)
        await compared(mirrors, 3)


async def test_what_is_done_is_told_in_the_end_to_a_process_that_does_not_read_for_a_while(path):
    """What the system keeps of it is less than a thousand numbers."""
    deliver = []
    receiver = Receiver(b"g" * GREETING, lambda sent, done: deliver.append(done), 100)
    async with await asyncio.start_unix_server(receiver, path):
        reader, writer = await asyncio.open_unix_connection(path, limit=2)
        writer.write(b"g" * GREETING)
        assert await reader.readexactly(1) == ACCEPTED
        frame = pack(finished({"headers": []}, None, b"", Answer(200, (), b"", 0.1)), 0)
        for number in range(1000):
            writer.write(PREFIX.pack(number, *PREFIX.unpack_from(frame)[1:]) + frame[PREFIX.size :])
            if number % 50 == 0:
                await writer.drain()
        assert await until(lambda: len(deliver) == 1000)
        for done in deliver:
            done()
        numbers = [DONE.unpack(await reader.readexactly(DONE.size))[0] for _ in range(1000)]
        assert numbers == [*range(1000)]
        writer.close()
        assert await until(lambda: receiver._connections == {})
        deliver[0]()  # nobody is there to be told


@pytest.mark.parametrize("leaves", ["it", "we"])
async def test_a_process_that_does_not_read_what_is_done_leaves_nothing_behind(path, caplog, leaves):
    deliver = []
    receiver = Receiver(b"g" * GREETING, lambda sent, done: deliver.append(done), 100)
    async with await asyncio.start_unix_server(receiver, path):
        reader, writer = await asyncio.open_unix_connection(path, limit=2)
        writer.write(b"g" * GREETING)
        assert await reader.readexactly(1) == ACCEPTED
        writer.write(pack(finished({"headers": []}, None, b"", Answer(200, (), b"", 0.1)), 0))
        assert await until(lambda: len(deliver) == 1)
        for _ in range(100_000):  # more than the system keeps for it
            deliver[0]()
        if leaves == "we":
            receiver.stop()
            receiver.close()
        writer.transport.abort()
        assert await until(lambda: receiver._connections == {})
    assert caplog.records == []


async def test_that_a_process_has_another_configuration_is_told_once(path, caplog):
    """It connects again each second."""
    receiver = Receiver(b"g" * GREETING, lambda *_: None, 100)
    async with await asyncio.start_unix_server(receiver, path):
        for _ in range(2):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"h" * GREETING)
            assert await reader.read() == b"it was started with another configuration or version: restart it\n"
            writer.close()
    assert caplog.text.count("a process that serves has another configuration or version") == 1


def test_a_copy_that_can_not_be_taken_is_counted_and_the_next_one_comes(caplog):
    dropped, told = [], []
    delivery = Delivery(
        mirrors=None,
        publisher=None,
        read=lambda _: 1 // 0,
        admit=None,
        clock=None,
        counters=SimpleNamespace(drop=lambda *what: dropped.append(what)),
    )
    delivery.take(SimpleNamespace(route="m", scope={}), lambda: told.append("done"))
    assert (dropped, told) == ([("m", "refused")], ["done"])
    assert "route 'm': a copy can't be mirrored" in caplog.text


@pytest.mark.slow
async def test_who_does_not_answer_the_greeting_is_told_of(build, path, caplog):
    async with Peer(path, accepts=False) as peer, running(build()) as app:  # which waits a moment
        assert await until(lambda: "does not answer" in caplog.text)
        _, writer = await peer.connected.get()
        writer.write(ACCEPTED)
        assert await until(lambda: not app.mirrors.sender.away(0.0))
        writer.close()


async def test_a_process_that_is_away_is_looked_for_once_a_second(build, path, monkeypatch):
    monkeypatch.setattr(sender, "AGAIN", 60.0)  # or so
    async with running(build()) as app:
        async with Peer(path) as peer:
            for _ in range(20):
                await ask(app, "/m/same/")
            assert peer.greeted == 0
        assert counted(app).dropped == {"away": 20}


async def test_the_connection_has_nothing_of_the_caller_who_made_it(build, path, monkeypatch):
    seen = []
    greet = sender.Sender.connection_made

    def note(self, transport):
        seen.append(mirrored.variable.get())
        greet(self, transport)

    monkeypatch.setattr(sender.Sender, "connection_made", note)
    monkeypatch.setattr(sender, "AGAIN", 0.01)
    async with running(build()) as app, Peer(path) as peer:
        assert await until(lambda: app.mirrors.sender._again <= app.clock.monotonic())
        token = mirrored.variable.set("the caller's")
        await ask(app, "/m/same/")
        mirrored.variable.reset(token)
        assert await until(lambda: seen == ["unset"])
        _, writer = await peer.connected.get()
        writer.close()


async def test_once_it_stops_nothing_more_is_taken(build, path):
    mirrors = build()
    receiver = mirrors.mirroring.take_mirrors()
    async with running(mirrors), await asyncio.start_unix_server(receiver, path), running(build()) as app:
        await ask(app, "/m/same/")
        await compared(mirrors)
        receiver.stop()
        await ask(app, "/m/same/")
        assert await until(lambda: len(waits(app)) == 1)
        receiver.close()
        assert await until(lambda: counted(app).dropped == {"away": 1})
        assert counted(mirrors).mirrored == 1
        assert receiver._connections == {}


@pytest.mark.slow
async def test_nothing_is_too_late_where_nobody_waits(build, path):
    """Neither what blocks nor a process that gets no processor holds a caller up there."""
    async with apart(build, path) as (app, mirrors):
        mirrors.mirrors._limits._backpressure._limit = 0.001
        for times in range(1, 4):
            await ask(app, "/m/blocks/")
            await compared(mirrors, times)
        assert counted(mirrors).dropped == {}
