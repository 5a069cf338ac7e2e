"""A supplier to try the demo against: `python -m legacy.suppliers.stub --port 9100 --latency 0.05`.

Plays every supplier at once: `GET /suppliers/{name}/quotes/{sku}` answers after `--latency` seconds
with a price that depends on the name and the SKU only. One event loop, so that hundreds of kept-alive
connections can wait at the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Collection, Iterator
from http import HTTPStatus
from typing import Any

QUOTE_PATH = re.compile(r"/suppliers/(?P<name>[\w-]+)/quotes/(?P<sku>[\w.-]+)")


def quote(name: str, sku: str) -> dict[str, str | int]:
    """Return the supplier's offer: the same for the same name and SKU, for ever."""
    digest = hashlib.sha256(f"{name}/{sku}".encode()).digest()
    cents = 500 + int.from_bytes(digest[:4]) % 20_000
    return {
        "supplier": name,
        "sku": sku,
        "price": f"{cents // 100}.{cents % 100:02}",
        "currency": "EUR",
        "delivery_days": 1 + digest[4] % 14,
    }


class StubSupplier:
    """Answers quotes over HTTP/1.1; `latency` may be changed while it runs.

    `most_at_once` is how many requests have waited for their answer at the same time.
    """

    def __init__(self, latency: float = 0.0, down: Collection[str] = ()) -> None:
        self.latency = latency
        self.down = frozenset(down)
        self.most_at_once = 0
        self._waiting = 0
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port; 0 picks a free one."""
        self._server = await asyncio.start_server(self.serve, host, port, backlog=1024)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stop listening, hang up on everybody and wait until the last connection is gone."""
        if self._server is not None:
            self._server.close()
        for writer in self._connections.values():
            writer.close()
        await asyncio.gather(*self._connections)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until either side has had enough."""
        task = asyncio.current_task()
        if task is None:  # pragma: no cover  # asyncio calls this in a task of its own
            return
        self._connections[task] = writer
        # A caller that goes away, or sends what is not HTTP, ends its own connection only.
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            while await self.answer(reader, writer):
                pass
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        del self._connections[task]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection may carry another."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, _, rest = head.partition(" ")
        status, body = await self.respond(method, rest.partition(" ")[0])
        # Requests with a body are refused unread, so what follows cannot be told from the next one.
        keep = method == "GET" and "\r\nconnection: close\r\n" not in head.lower()
        writer.write(_encode(status, body, keep))
        await writer.drain()
        return keep

    async def respond(self, method: str, path: str) -> tuple[HTTPStatus, dict[str, str | int]]:
        """Return status and body of the answer."""
        if method != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, {"error": "expected GET"}
        match = QUOTE_PATH.fullmatch(path)
        if match is None:
            return HTTPStatus.NOT_FOUND, {"error": "expected /suppliers/{name}/quotes/{sku}"}
        self._waiting += 1
        self.most_at_once = max(self.most_at_once, self._waiting)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self._waiting -= 1
        if match["name"] in self.down:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"error": f"{match['name']} is down"}
        return HTTPStatus.OK, quote(match["name"], match["sku"])


def _encode(status: HTTPStatus, body: dict[str, str | int], keep: bool) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    )
    return head.encode() + content


async def run(stub: StubSupplier, host: str, port: int) -> None:
    """Serve until cancelled."""
    port = await stub.start(host, port)
    print(f"Stub suppliers on http://{host}:{port}, latency {stub.latency} s", flush=True)  # noqa: T201
    try:
        await asyncio.Event().wait()
    finally:
        await stub.stop()


@contextlib.contextmanager
def serving(stub: StubSupplier, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve from a thread while the block runs, on a free port; yield the base URL. For tests."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(stub.start(host, 0), loop).result()
        try:
            yield f"http://{host}:{port}"
        finally:
            asyncio.run_coroutine_threadsafe(stub.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def main() -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m legacy.suppliers.stub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100, help="0 picks a free one (default: %(default)s)")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds (default: %(default)s)")
    parser.add_argument("--down", action="append", default=[], metavar="NAME", help="answers 503; repeatable")
    args = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(StubSupplier(args.latency, args.down), args.host, args.port))


if __name__ == "__main__":
    main()
