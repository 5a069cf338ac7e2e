"""Runs the lifespan of one ASGI application.

https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.types import ASGIApp, Message, Scope

__all__ = ["Lifespan", "LifespanError"]

logger = logging.getLogger("gateway.lifespan")


class LifespanError(Exception):
    """An application failed to start or to stop."""


class Lifespan:
    """Runs `app`'s lifespan in a task of its own, since context managers must be left in the task that entered them.

    `state` is the state that the application stored for its requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.state: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._error: BaseException | None = None

    async def startup(self) -> None:
        """Start the application. Raises LifespanError when it fails to; one without lifespan support counts as
        started."""
        self._to_app, self._from_app = asyncio.Queue(), asyncio.Queue()  # new ones for each run
        self._task = asyncio.create_task(self._run())
        answer = await self._ask("lifespan.startup")
        if answer["type"] == "lifespan.startup.failed":
            await self._end()
            raise LifespanError(_reason(answer) or "startup failed") from self._error
        if answer["type"] == "unsupported":
            logger.debug("%r does not support lifespan: %r", self.app, self._error)
            self._task = None

    async def shutdown(self) -> None:
        """Stop the application, if it was started. Raises LifespanError when it fails to."""
        if self._task is None:
            return
        if self._task.done():
            self._task = None
            return
        answer = await self._ask("lifespan.shutdown")
        await self._end()
        if answer["type"] != "lifespan.shutdown.complete":
            raise LifespanError(_reason(answer) or f"shutdown failed: {self._error!r}") from self._error

    def share(self, scope: Scope) -> None:
        """Give `scope` a copy of the application's state, as ASGI requires."""
        if self.state:
            scope["state"] = {**scope.get("state", {}), **self.state}

    async def _ask(self, kind: str) -> Message:
        self._to_app.put_nowait({"type": kind})
        return await self._from_app.get()

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self.app(scope, self._to_app.get, self._from_app.put)
        except Exception as exc:  # noqa: BLE001 - an application without lifespan support raises what it likes
            self._error = exc
        self._from_app.put_nowait({"type": "unsupported"})  # only read when the application sent nothing

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            await task


def _reason(answer: Message) -> str:
    """The message of a failure. Starlette's is a whole traceback, which `__cause__` already has."""
    message: str = answer.get("message", "").strip()
    return message.rpartition("\n")[2] if message.startswith("Traceback ") else message
