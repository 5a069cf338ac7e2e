"""A process that serves one gateway with every parser, believing proxies or not, as `gateway serve` does.

Behind it are five upstreams that say what they see: legacy (a synchronous and an asynchronous view), a plain service, a
bridged one, and one that runs elsewhere. Prints a JSON object with the ports once they are open.
"""

import asyncio
import contextlib
import json
import sys

import uvicorn

from gateway import Gateway
from gateway.http1 import protocol
from gateway.server import listening
from gateway.server import uvicorn as server

PARSERS = ("httptools", "h11", "zttp")
TRUST = {"trusted": ("127.0.0.1", 1), "untrusted": ("192.0.2.1", 1)}


def config(far_port: int) -> dict:
    """The gateway's configuration."""
    return {
        "legacy": {"settings": "tests.project.settings", "threads": 4, "static": False},
        "services": {
            "plain": {"app": "tests.http1.services:plain", "middleware": "none", "breaker": False},
            "bridged": {"app": "tests.http1.services:bridged", "breaker": False},
            "far": {"url": f"http://127.0.0.1:{far_port}", "breaker": False},
        },
        "routes": [
            {"name": name, "prefix": f"/{name}", "service": name, "claim": "all", "fallback": False}
            for name in ("plain", "bridged", "far")
        ],
    }


async def main() -> None:
    sockets = {"far": listening.bind("127.0.0.1", 0)}
    gateway = await asyncio.to_thread(Gateway, config(sockets["far"][0].getsockname()[1]))
    far = uvicorn.Config("tests.http1.services:far", log_level="warning", http="h11")
    servers = [(uvicorn.Server(far), sockets["far"])]
    for parser in PARSERS:
        for trust, proxies in TRUST.items():
            bound = sockets[f"{parser} {trust}"] = listening.bind("127.0.0.1", 0)
            options = server.ServerConfig(
                gateway, access=False, http=protocol(parser), proxies=proxies, lifespan="off", log_level="error"
            )
            servers.append((uvicorn.Server(options), bound))
    await gateway.startup()
    for one, _ in servers:
        one.capture_signals = contextlib.nullcontext  # this is one process, and ends by itself
    tasks = [asyncio.create_task(one.serve(bound)) for one, bound in servers]
    while not all(one.started for one, _ in servers):  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    sys.stdout.write(json.dumps({name: bound[0].getsockname()[1] for name, bound in sockets.items()}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)  # until whoever started this closes it
    for one, _ in servers:
        one.should_exit = True
    await asyncio.gather(*tasks)
    await gateway.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
