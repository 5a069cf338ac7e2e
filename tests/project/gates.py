"""How tests and the server they talk to wait for each other, instead of sleeping.

Views open and await gates by name; tests do so through `/gates/NAME/open/` and `/gates/NAME/wait/`.
"""

import asyncio
import threading
from collections import defaultdict

PATIENCE = 20.0  # seconds; only a failing test waits that long

_gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)


def open_gate(name: str) -> None:
    _gates[name].set()


def is_open(name: str) -> bool:
    return _gates[name].is_set()


def wait(name: str) -> bool:
    return _gates[name].wait(PATIENCE)


async def wait_async(name: str) -> bool:
    return await asyncio.to_thread(wait, name)
