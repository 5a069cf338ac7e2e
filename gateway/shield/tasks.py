"""Tasks: a mirror starts none. It gets the result object that the library returns, and the task is recorded.

Each library defines that object: the result of a task that was just queued, created without the queue. What the task
would have done by then is unknown, so reading its result is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from gateway.context.recording import unrecorded
from gateway.shield.effects import note, noting
from gateway.shield.guard import GuardedCall, guard

__all__ = ["TASK_CLASSES", "shield_tasks"]

LONGEST = 200  # characters of a name
ENQUEUES = frozenset({"enqueue", "aenqueue"})
SENT, TASK_ID = 5, 2  # the position of `task_id` in the arguments of send_task() and apply_async()


def shield_tasks() -> None:
    """Prevent mirrors from starting tasks of the libraries that are imported by now."""
    for module, name, methods, name_of, instead in LIBRARIES:
        found: Any = getattr(sys.modules.get(module), name, None)
        if isinstance(found, type):
            guard(found, methods.__contains__, instead, None if name_of is None else noting(_described(name_of)))


def _described(name_of: Callable[[Any, tuple[Any, ...], dict[str, Any]], object]) -> Callable[..., list[str]]:
    def described(target: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        if method.startswith(("get", "aget")):
            return []
        return [f"task {str(name_of(target, args, kwargs))[:LONGEST]}"]

    return described


def _note(name: object) -> None:
    note([f"task {str(name)[:LONGEST]}"])


def _own(call: GuardedCall) -> set[str]:
    """The IDs of the tasks that this mirror would have started."""
    return call.scope.store("tasks", set[str])


def _asked(call: GuardedCall, number: str, name: str) -> Any:
    """A result is read. Results of callers' tasks, which the mirror may know, are read as usual."""
    if number in _own(call):
        raise call.scope.refuse(f"the result of a task ({name})", "which it has not started")
    return call.method(call.target, *call.args, **call.kwargs)


# -- Django's (since 6.0), and django-tasks -------------------------------------------------------


def _django_name(_backend: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
    return (args[0] if args else kwargs["task"]).module_path


def _django(call: GuardedCall) -> Any:
    backend = call.target
    if call.name not in ENQUEUES:
        number = str(call.args[0] if call.args else call.kwargs["result_id"])
        return _asked(call, number, f"{call.name}()")
    if _sends_nothing(backend):
        return call.method(backend, *call.args, **call.kwargs)
    _note(_django_name(backend, call.args, call.kwargs))
    backend.validate_task(call.args[0] if call.args else call.kwargs["task"])
    stand_in = _beside(backend, "dummy").DummyBackend(backend.alias, {"QUEUES": [*backend.queues]})
    stand_in.stands_in = True
    if call.name == "aenqueue":
        return _later(call, stand_in)
    with unrecorded():
        return _kept(call, stand_in.enqueue(*call.args, **call.kwargs))


async def _later(call: GuardedCall, stand_in: Any) -> Any:
    with unrecorded():
        return _kept(call, await stand_in.aenqueue(*call.args, **call.kwargs))


def _sends_nothing(backend: Any) -> bool:
    """Whether it runs tasks at once, as a part of the mirror, or is a substitute."""
    return hasattr(backend, "stands_in") or isinstance(backend, _beside(backend, "immediate").ImmediateBackend)


def _beside(backend: Any, name: str) -> Any:
    """A backend module of the library to which this backend belongs."""
    base = next(cls for cls in type(backend).__mro__ if cls.__name__ == "BaseTaskBackend")
    return import_module(f"{base.__module__.rpartition('.')[0]}.{name}")


def _kept(call: GuardedCall, result: Any) -> Any:
    _own(call).add(result.id)
    return result


# -- Celery ---------------------------------------------------------------------------------------


def _celery_name(task: Any, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> object:
    return task.name


def _celery(call: GuardedCall) -> Any:
    app = call.target.app
    if app.conf.task_always_eager:
        return call.method(call.target, *call.args, **call.kwargs)  # at once, as a part of the mirror
    _note(call.target.name)
    return _kept(call, call.target.AsyncResult(_celery_id(call, TASK_ID)))


def _sent_name(_app: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
    return args[0] if args else kwargs["name"]


def _celery_sent(call: GuardedCall) -> Any:
    _note(_sent_name(call.target, call.args, call.kwargs))
    return _kept(call, call.target.AsyncResult(_celery_id(call, SENT)))


def _celery_id(call: GuardedCall, place: int) -> str:
    given = call.args[place] if len(call.args) > place else call.kwargs.get("task_id")
    made: str = given or import_module("celery.utils").uuid()
    return made


def _celery_result(call: GuardedCall) -> Any:
    return _asked(call, call.target.id, f"AsyncResult.{call.name}")


# -- Dramatiq -------------------------------------------------------------------------------------


def _actor_name(_broker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
    return (args[0] if args else kwargs["message"]).actor_name


def _dramatiq(call: GuardedCall) -> Any:
    message: Any = call.args[0] if call.args else call.kwargs["message"]
    _note(message.actor_name)
    _own(call).add(message.message_id)
    return message


def _dramatiq_result(call: GuardedCall) -> Any:
    return _asked(call, call.target.message_id, "Message.get_result()")


# Module, class, its methods, the name of a call's task, and the replacement.
LIBRARIES: tuple[tuple[str, str, frozenset[str], Any, Callable[[GuardedCall], Any]], ...] = (
    ("django.tasks.backends.base", "BaseTaskBackend", ENQUEUES | {"get_result", "aget_result"}, _django_name, _django),
    ("django_tasks.backends.base", "BaseTaskBackend", ENQUEUES | {"get_result", "aget_result"}, _django_name, _django),
    ("celery.app.task", "Task", frozenset({"apply_async"}), _celery_name, _celery),
    ("celery.app.base", "Celery", frozenset({"send_task"}), _sent_name, _celery_sent),
    ("celery.result", "AsyncResult", frozenset({"get", "wait", "forget", "revoke", "ready", "successful", "failed",
     "state", "status", "result", "info", "traceback"}), None, _celery_result),
    ("dramatiq.broker", "Broker", frozenset({"enqueue"}), _actor_name, _dramatiq),
    ("dramatiq.message", "Message", frozenset({"get_result"}), None, _dramatiq_result),
)  # fmt: skip
TASK_CLASSES = tuple((module, cls) for module, cls, *_ in LIBRARIES)  # where these are
