"""The policies of a DRF view for one action: authentication, permissions, throttles, serializer, pages, media types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer

from gateway.wording import qualified_name
from gateway.workbench.inventory.instance import view_instance

__all__ = ["Policies", "fields_of", "policies_of"]


@dataclass(frozen=True, slots=True)
class Policies:
    """Names of classes, each with its module. `serializer` is the class that the action uses, None if it has none or
    that depends on the request, which `notes` say then. `depth` is the depth of nested serializers."""

    authentication: tuple[str, ...]
    permissions: tuple[str, ...]
    throttles: tuple[str, ...]
    serializer: type[BaseSerializer[Any]] | None
    fields: int
    depth: int
    pagination: str | None
    filters: tuple[str, ...]
    parsers: tuple[str, ...]
    renderers: tuple[str, ...]
    notes: tuple[str, ...]


def policies_of(kind: type, action: str | None, initkwargs: Mapping[str, Any], method: str) -> Policies:
    """The policies of the view for this action. Where methods of the project need a request, the class's attributes are
    used instead, with a note."""
    view, notes = view_instance(kind, action, initkwargs, method), list[str]()

    def asked(name: str, attribute: str) -> tuple[str, ...]:
        found = _asked(getattr(view, name), notes)
        return tuple(_name(one) for one in (getattr(view, attribute) if found is None else found))

    serializer = _serializer_class(view, notes)
    fields, depth = fields_of(serializer)
    pagination = getattr(view, "pagination_class", None)
    return Policies(
        authentication=asked("get_authenticators", "authentication_classes"),
        permissions=asked("get_permissions", "permission_classes"),
        throttles=asked("get_throttles", "throttle_classes"),
        serializer=serializer,
        fields=fields,
        depth=depth,
        pagination=_name(pagination) if pagination is not None else None,
        filters=tuple(_name(one) for one in getattr(view, "filter_backends", ())),
        parsers=tuple(dict.fromkeys(one.media_type for one in view.parser_classes)),
        renderers=tuple(dict.fromkeys(one.media_type for one in view.renderer_classes)),
        notes=tuple(notes),
    )


def _asked(ask: Callable[[], Any], notes: list[str]) -> Any:
    try:
        return ask()
    except Exception as exc:  # noqa: BLE001 - a method of the project's, which may count on a request
        notes.append(f"{getattr(ask, '__name__', ask)} needs a request: {type(exc).__name__}: {exc}")
        return None


def _serializer_class(view: Any, notes: list[str]) -> type[BaseSerializer[Any]] | None:
    if getattr(view, "serializer_class", None) is None and not hasattr(view, "get_serializer_class"):
        return None
    own = type(view).get_serializer_class if hasattr(view, "get_serializer_class") else None
    if (
        own is not None
        and getattr(view, "serializer_class", None) is None
        and own.__module__ == "rest_framework.generics"
    ):
        return None  # DRF's own method, which would only raise
    found = _asked(view.get_serializer_class, notes) if own is not None else None
    chosen = found or getattr(view, "serializer_class", None)
    return chosen if isinstance(chosen, type) and issubclass(chosen, BaseSerializer) else None


def fields_of(serializer: type[BaseSerializer[Any]] | None) -> tuple[int, int]:
    """The number of fields of a serializer, including nested ones, and their depth; 0 and 0 if it can't be created
    without a request."""
    return _fields(serializer) if serializer is not None and issubclass(serializer, Serializer) else (0, 0)


@lru_cache(maxsize=4096)
def _fields(serializer: Any) -> tuple[int, int]:
    with suppress(Exception):  # the project's serializer may need its context
        return _counted(serializer())
    return 0, 0


def _counted(serializer: Serializer[Any]) -> tuple[int, int]:
    count, depth = 0, 1
    for field in serializer.fields.values():
        inner = field.child if isinstance(field, ListSerializer) else field
        count += 1
        if isinstance(inner, Serializer):
            more, below = _counted(inner)
            count, depth = count + more, max(depth, below + 1)
    return count, depth


def _name(thing: Any) -> str:
    """The name of a class, or of an instance's; for composed permissions, their composition."""
    operands = [getattr(thing, name) for name in ("op1", "op2") if hasattr(thing, name)]
    kind = thing if isinstance(thing, type) else type(thing)
    if operands:
        inner = [_name(one) for one in operands]
        return f"not {inner[0]}" if len(inner) == 1 else f"({f' {kind.__name__.lower()} '.join(inner)})"
    return qualified_name(kind)
