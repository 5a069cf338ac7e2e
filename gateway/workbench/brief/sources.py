"""The code that answers an endpoint now: the view, its base classes, and the classes that it uses."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.compat.drf import declared_fields
from gateway.wording import message
from gateway.workbench.inventory import Endpoint
from gateway.workbench.inventory.instance import instance_of
from gateway.workbench.inventory.source import dotted_name, is_third_party, location

__all__ = ["Source", "sources"]

LONGEST = 20_000  # characters of one class or function
# Attributes of DRF's views and Django's class-based views that name classes: role, attribute.
PARTS = (
    (message("authentication"), "authentication_classes"),
    (message("permission"), "permission_classes"),
    (message("throttle"), "throttle_classes"),
    (message("filter"), "filter_backends"),
    (message("filter set"), "filterset_class"),
    (message("pagination"), "pagination_class"),
    (message("parser"), "parser_classes"),
    (message("renderer"), "renderer_classes"),
    (message("versioning"), "versioning_class"),
    (message("form"), "form_class"),
    (message("model"), "model"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """One class or function. `role` is its role for the endpoint ("view", "serializer", …); `text` is None if it
    belongs to an installed package, or has no file."""

    role: str
    name: str
    file: str
    line: int
    text: str | None


def sources(endpoint: Endpoint) -> list[Source]:
    """All of them, each once, beginning with the view."""
    found: dict[str, Source] = {}
    for role, thing in _things(endpoint):
        found.setdefault(dotted_name(thing), _source(role, thing))
    return list(found.values())


def _things(endpoint: Endpoint) -> Iterator[tuple[str, Any]]:
    yield message("view"), endpoint.view_class or endpoint.function
    view = instance_of(endpoint)
    if view is None:
        return
    yield from ((message("base of the view"), base) for base in _own_bases(type(view)))
    for serializer in _serializers(view):
        yield "serializer", serializer
        yield from ((message("base of a {role}", role="serializer"), base) for base in _own_bases(serializer))
    for role, attribute in PARTS:
        for part in _classes(getattr(view, attribute, None)):
            yield role, part
            yield from ((message("base of a {role}", role=role), base) for base in _own_bases(part))
    if (model := getattr(getattr(view, "queryset", None), "model", None)) is not None:
        yield message("model"), model


def _own_bases(kind: type) -> list[type]:
    """The project's base classes of `kind`, the closest first."""
    return [base for base in kind.__mro__[1:] if not is_third_party(location(base)[0])]


def _serializers(view: Any) -> Iterator[type]:
    """The view's serializer for this action, and those in its fields."""
    kind = None
    if hasattr(view, "get_serializer_class"):
        with suppress(Exception):  # the project's code may need a real request
            kind = view.get_serializer_class()
    waiting = [kind or getattr(view, "serializer_class", None)]
    seen: set[type] = set()
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, type) and one not in seen:
            seen.add(one)
            yield one
            waiting += [type(field) for field in _nested(one)]


def _nested(serializer: type) -> Iterator[Any]:
    for field in declared_fields(serializer).values():
        inner = getattr(field, "child", field)  # the item of a list
        if hasattr(inner, "get_fields"):
            yield inner


def _classes(value: Any) -> Iterator[type]:
    """The classes in an attribute: one, several, or DRF's `A & B`, which contains others."""
    for one in value if isinstance(value, Iterable) and not isinstance(value, type) else (value,):
        if isinstance(one, type):
            yield one
        for operand in ("op1_class", "op2_class"):
            if hasattr(one, operand):
                yield from _classes(getattr(one, operand))


def _source(role: str, thing: Any) -> Source:
    file, line = location(thing)
    text = None
    if not is_third_party(file):
        with suppress(OSError, TypeError):
            text = inspect.getsource(inspect.unwrap(thing))
    if text is not None and len(text) > LONGEST:
        text = text[:LONGEST] + f"\n# … {len(text) - LONGEST:,} more characters\n"
    return Source(role, dotted_name(thing), file, line, text)
