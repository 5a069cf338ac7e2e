"""Interpreter steps for one request: `python -m bench.step_count bridged` prints those of each repetition, as JSON.

A step is one bytecode instruction. What is counted is everything that Python runs for a request, on every thread: the
server's protocol, the application, and what ends the request after its answer. The parser and the event loop are
written in C, so the bytes of a recorded connection go into the protocol over a transport that keeps what it is given:
into that of `gateway serve` for a gateway, for all else into uvicorn's. Nothing is timed: the number depends on the
versions of Python and of the packages, and on nothing else.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from queue import SimpleQueue
from types import FrameType
from typing import Any

import uvloop
from uvicorn import Config
from uvicorn.lifespan.on import LifespanOn
from uvicorn.server import ServerState

from bench.django_cpu import environ
from bench.process import ROOT

WARM_UP = 24  # a route's first mirrors ask legacy twice
REPETITIONS = 15
STILL_SECONDS = 0.08  # without a step, after which what was asked for is over
MIRROR_SECONDS = 0.25  # as above, where a mirror follows, which begins after a delay
PATIENCE = 30.0
OPTIONS: dict[str, Any] = {"http": "httptools", "ws": "none", "log_level": "warning"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked: `path` of the ASGI application `app`, of a gateway configured by `config` where it is one."""

    path: str
    app: str = "gateway.asgi:app"
    config: str = ""
    wsgi: bool = False
    still: float = STILL_SECONDS


SUBJECTS = {
    "django-json": Subject("/json/", "bench.project.wsgi:application", wsgi=True),
    "django-orm": Subject("/orm/", "bench.project.wsgi:application", wsgi=True),
    "uvicorn": Subject("/json/", "bench.hello:app"),
    "fastapi-alone": Subject("/fast/json", "bench.service:app"),
    "fastapi-alone-def": Subject("/fast/json-def", "bench.service:app"),
    "json": Subject("/json/", config="legacy.toml"),
    "counted": Subject("/json/", "bench.counted:app", config="legacy.toml"),
    "recorded": Subject("/json/", "bench.recorded:app", config="legacy.toml"),
    "orm": Subject("/orm/", config="legacy.toml"),
    "fastapi": Subject("/fast/json", config="service.toml"),
    "bridged": Subject("/fast/json", config="bridged.toml"),
    "bridged-def": Subject("/fast/json-def", config="bridged.toml"),
    "mirrored": Subject("/json/", config="shadow.toml", still=MIRROR_SECONDS),
    "canary": Subject("/fast/json", config="canary.toml"),
}


class Steps:
    """Counts the steps of every thread that begins after `install`, except those of this module."""

    def __init__(self) -> None:
        self._count = count(1)
        self.taken = 0
        self._before: Any = threading.gettrace()  # that of coverage, say

    def install(self) -> None:
        """Count from now on. The thread that calls this isn't counted."""
        threading.settrace(self._enter)

    def remove(self) -> None:
        """Threads that begin from now on aren't counted."""
        threading.settrace(self._before)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename == __file__:
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _step(self, _frame: FrameType, event: str, _argument: Any) -> Callable[..., Any]:
        if event == "opcode":
            self.taken = next(self._count)  # one call into C: no thread can come between
        return self._step

    def wait_until_still(self, seconds: float) -> None:
        """Wait until no thread has taken a step for so long. Raises `TimeoutError` when they never rest."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            before = self.taken
            time.sleep(seconds)
            if self.taken == before:
                return
        raise TimeoutError(f"it still runs {PATIENCE:g} s after the request")


class Connection(asyncio.Transport):
    """The server's side of a connection: keeps what is written, and says when it ends with `closing`."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As a socket on the loopback has it."""
        return {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 8000)}.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """A connection that is kept alive is not closed by either side."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Only a socket would change it."""

    def pause_reading(self) -> None:
        """There is nothing more to read."""

    def resume_reading(self) -> None:
        """As above."""


def recorded(path: str) -> bytes:
    """What a client sends that asks for `path`."""
    lines = (f"GET {path} HTTP/1.1", "Host: localhost:8000", "User-Agent: bench", "Accept: */*", "", "")
    return "\r\n".join(lines).encode()


class Asgi:
    """An ASGI application behind uvicorn's protocol. Its event loop has a thread of its own, which is counted."""

    def __init__(self, subject: Subject) -> None:
        self._loop = uvloop.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="loop", daemon=True).start()
        config = _gateway(subject) if subject.config else Config(subject.app, access_log=False, **OPTIONS)
        config.load()
        self._lifespan = asyncio.run_coroutine_threadsafe(_started(config), self._loop).result(PATIENCE)
        self._connection = Connection()
        self._protocol: Any = config.http_protocol_class(  # type: ignore[call-arg] # uvicorn declares a bare Protocol
            config=config, server_state=_server_state(), app_state=self._lifespan.state, _loop=self._loop
        )
        self._asked = recorded(subject.path)
        self._loop.call_soon_threadsafe(self._protocol.connection_made, self._connection)

    def ask(self) -> None:
        """Begin one request."""
        self._connection.written.clear()
        self._loop.call_soon_threadsafe(self._protocol.data_received, self._asked)

    @property
    def status(self) -> str:
        """Of the answer to the last request."""
        return b"".join(self._connection.written)[:12].decode("latin-1").partition(" ")[2]


def _gateway(subject: Subject) -> Config:
    """As `gateway serve` configures the server. Gateways before 0.1.0 had no class for it."""
    try:
        from gateway.http1 import protocol
        from gateway.server.uvicorn import ServerConfig
    except ImportError:
        return Config(subject.app, access_log=False, **OPTIONS)
    module, _, name = subject.app.partition(":")
    app = getattr(import_module(module), name)
    return ServerConfig(app, access=False, **{**OPTIONS, "http": protocol("httptools")})


async def _started(config: Config) -> LifespanOn:
    """The application's lifespan, which has begun. Raises `RuntimeError` when it fails to."""
    lifespan = LifespanOn(config)
    await lifespan.startup()
    if lifespan.should_exit:
        raise RuntimeError("the application did not start")
    return lifespan


def _server_state() -> ServerState:
    """As a server that runs has it, with the headers that it adds."""
    state = ServerState()
    state.default_headers = [(b"date", b"Mon, 01 Jan 2024 00:00:00 GMT"), (b"server", b"uvicorn")]
    return state


class Wsgi:
    """A WSGI application that is called in place, by a thread that does nothing else."""

    def __init__(self, subject: Subject) -> None:
        module, _, name = subject.app.partition(":")
        self._application = getattr(import_module(module), name)
        self._environ = environ(subject.path)
        self._asked: SimpleQueue[None] = SimpleQueue()
        self.status = ""
        threading.Thread(target=self._run, name="wsgi", daemon=True).start()

    def ask(self) -> None:
        """Begin one request."""
        self.status = ""
        self._asked.put(None)

    def _run(self) -> None:
        while True:
            self._asked.get()
            response = self._application(self._environ.copy(), self._start)
            b"".join(response)
            response.close()

    def _start(self, status: str, _headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        self.status = status[:3]


def count_steps(subject: Subject) -> list[int]:
    """The steps of each of `REPETITIONS` requests. Raises `RuntimeError` when one isn't answered with 200."""
    steps = Steps()
    steps.install()
    server = Wsgi(subject) if subject.wsgi else Asgi(subject)
    steps.wait_until_still(subject.still)
    gc.collect()
    gc.disable()  # when it runs depends on what ran before
    taken: list[int] = []
    for _ in range(WARM_UP + REPETITIONS):
        random.seed(1)  # nothing that is left to chance differs between two requests
        before = steps.taken
        server.ask()
        _wait_for_answer(server)
        steps.wait_until_still(subject.still)
        if server.status != "200":
            raise RuntimeError(f"GET {subject.path} of {subject.app} answered {server.status!r}; expected 200")
        taken.append(steps.taken - before)
    return taken[WARM_UP:]


def _wait_for_answer(server: Asgi | Wsgi) -> None:
    """Until it has begun. On a busy machine the thread may have to wait for that."""
    until = time.monotonic() + PATIENCE
    while not server.status and time.monotonic() < until:
        time.sleep(0.001)


def main() -> None:
    """Print the steps of each repetition for the subject given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subject", choices=SUBJECTS)
    subject = SUBJECTS[parser.parse_args().subject]
    if subject.config:
        os.environ["GATEWAY_CONFIG"] = str(ROOT / "bench" / "config" / subject.config)
    json.dump(count_steps(subject), sys.stdout)


if __name__ == "__main__":
    main()
