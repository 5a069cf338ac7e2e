"""Queues and channels: a mirror starts no tasks and sends no messages to other processes."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

from gateway.shield.effects import note, noting
from gateway.shield.guard import GuardedCall, guard
from gateway.wording import qualified_name

__all__ = ["OUTSIDE", "shield_outside"]

TYPE = re.compile(r"[A-Za-z_][\w.]{0,60}")
QUEUED = {"enqueue", "enqueue_call", "enqueue_at", "enqueue_in", "enqueue_job", "enqueue_many", "schedule_job"}
# Module, class, and the methods that start a task or queue something else. They have no substitute, unlike those in
# gateway/shield/tasks.py, and are refused.
TASKS = (
    ("kombu.messaging", "Producer", {"publish"}),
    ("rq.queue", "Queue", QUEUED),
    ("huey.api", "Huey", {"enqueue"}),
    ("concurrent.futures.process", "ProcessPoolExecutor", {"submit"}),
    ("multiprocessing.process", "BaseProcess", {"start"}),
)
# The same for methods that send messages, and return nothing.
MESSAGES = (("channels.layers", "BaseChannelLayer", {"send", "group_send", "group_add", "group_discard", "flush"}),)
OUTSIDE = tuple((module, cls) for module, cls, _ in (*TASKS, *MESSAGES))  # where these are


def shield_outside() -> None:
    """Guard those of these libraries that are imported by now: they are optional, and not imported here."""
    for table, instead, notes in ((TASKS, _refused, None), (MESSAGES, _unsaid, noting(_told))):
        for module, name, methods in table:
            if (found := sys.modules.get(module)) is not None and isinstance(cls := getattr(found, name, None), type):
                guard(cls, methods.__contains__, instead, notes)


def _refused(call: GuardedCall) -> Any:
    raise call.scope.refuse(f"a task, by {qualified_name(type(call.target))}.{call.name}()")


def _told(_layer: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """A message, by its recipient and its type, which names a method of consumers."""
    if name not in ("send", "group_send"):
        return []
    message = args[1] if len(args) > 1 else kwargs.get("message")
    kind = str(message.get("type")) if isinstance(message, dict) else ""
    kind = kind if TYPE.fullmatch(kind) else "any type"
    return [f"a message to a {'group' if name == 'group_send' else 'channel'}, {kind}"]


def _unsaid(call: GuardedCall) -> Any:
    note(_told(call.target, call.name, call.args, call.kwargs))
    return _nothing() if inspect.iscoroutinefunction(call.method) else None


async def _nothing() -> None:
    """Instead of sending a message."""
