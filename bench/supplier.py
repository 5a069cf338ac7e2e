"""A stub supplier: answers every request with an offer, after a latency of its own.

`python -m bench.supplier --port 9100`. The path is `/<supplier>/<sku>`. It is a bare asyncio protocol so
that it is never what limits a run, and its latency is a constant per supplier so that two runs agree.
"""

import argparse
import asyncio
import json
import os
from contextlib import suppress

# Seconds. Asked one after another they cost 750 ms, together 250 ms. With 40 threads for 64 callers, a view that
# waits for three equal suppliers in turn is at most 64 / 40 × 3 = 4.8 times slower than one that asks them at once.
LATENCY = {"acme": 0.250, "globex": 0.250, "initech": 0.250}
NAMES = tuple(LATENCY)


def supplier_url(name: str, sku: str) -> str:
    """Return where `name` is asked about `sku`; `BENCH_SUPPLIER` is the stub's base URL."""
    return f"{os.environ['BENCH_SUPPLIER']}/{name}/{sku}"


def _answer(path: str) -> tuple[float, bytes]:
    """Return the latency in seconds and the whole HTTP response for `path`."""
    _, name, sku = path.split("/", 2)
    if name not in LATENCY:
        return 0.0, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    price = sum(f"{name}{sku}".encode()) % 9_000 + 1_000
    body = json.dumps({"supplier": name, "sku": sku, "price": f"{price / 100:.2f}"}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return LATENCY[name], head.encode() + body


class SupplierProtocol(asyncio.Protocol):
    """One keep-alive connection. Requests have no body and are not pipelined, which is all httpx sends."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answers: dict[str, tuple[float, bytes]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows asyncio's own type
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            path = self._buffer[: self._buffer.index(b"\r\n")].split(b" ")[1].decode()
            self._buffer = self._buffer[end + 4 :]
            if path not in self._answers:
                self._answers[path] = _answer(path)
            latency, response = self._answers[path]
            asyncio.get_running_loop().call_later(latency, self._send, response)

    def _send(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


async def serve(port: int) -> None:
    """Serve on the loopback address until cancelled."""
    server = await asyncio.get_running_loop().create_server(SupplierProtocol, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Parse `--port` and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
