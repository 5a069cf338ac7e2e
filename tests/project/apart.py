"""A service that no process survives which serves callers. What it was asked is told by files in PROJECT_UPLOADS."""

from __future__ import annotations

import os
import time
from pathlib import Path

from starlette.types import Receive, Scope, Send

FOLDER = Path(os.environ.get("PROJECT_UPLOADS", "/nowhere"))
GO = "go"  # while there is no such file, it blocks
DIED = 9


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Does what the path says: blocks the event loop, ends the process, or answers."""
    if scope["type"] != "http":
        return
    how = scope["path"].rstrip("/").rpartition("/")[2]
    _tell(how)
    while how == "blocks" and not (FOLDER / GO).exists():
        time.sleep(0.01)  # noqa: ASYNC251 - that is the fault
    if how == "dies":
        os._exit(DIED)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"service"})


def _tell(how: str) -> None:
    """Under its name, the file is whole: who sees that it is there may read it at once."""
    unfinished = FOLDER / f"{how}.{os.getpid()}"
    unfinished.write_text(str(os.getpid()))
    unfinished.replace(FOLDER / how)
