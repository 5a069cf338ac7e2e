"""Analyses the source of a view's method: the serializers that it uses, and the statuses of its responses."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from django.http.response import HttpResponseBase
from rest_framework.serializers import BaseSerializer

from gateway.workbench.syntax import called_name

__all__ = ["Used", "calls", "handler_of", "mentions", "statuses", "used_serializers"]

DEEPEST = 3  # nested calls of super() and functions of the same module that are followed


class Used(NamedTuple):
    """The serializer classes with which a method reads bodies, and those with which it writes responses, with
    `many`."""

    reads: tuple[type[BaseSerializer[Any]], ...]
    writes: tuple[tuple[type[BaseSerializer[Any]], bool], ...]


def handler_of(view: Any, method: str) -> Callable[..., Any] | None:
    """The function that the view's class has for `method`; for a ViewSet, its action."""
    name = (getattr(view, "action", None) if getattr(view, "action_map", None) else None) or method.lower()
    found = getattr(type(view), name, None)
    if found is None and name == "head":
        found = getattr(type(view), "get", None)
    return found if callable(found) else None


@lru_cache(maxsize=2048)
def _tree(function: Callable[..., Any]) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):  # created at run time, or part of a line
        return None


def calls(function: Any, *names: str) -> bool:
    """Whether one of `names` is called in `function`, or in a function of its module that it calls."""
    return any(called_name(node) in names for _, node in _calls(function, 0))


def statuses(view: Any, function: Callable[..., Any]) -> frozenset[int]:
    """The constant statuses of the responses that `function` makes; empty if unknown."""
    found: set[int] = set()
    for owner, node in _responses(view, function, 0):
        given = _status(node, owner)
        if not given:
            return frozenset()
        found |= given
    return frozenset(found)


def _responses(view: Any, function: Callable[..., Any], depth: int) -> Iterator[tuple[Callable[..., Any], ast.Call]]:
    """Every call that makes a response, in `function` and in a method of a base class that it calls."""
    tree = _tree(function)
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.Call):
            continue
        made = _value(node.func, function)
        if isinstance(made, type) and issubclass(made, HttpResponseBase):
            yield function, node
        elif depth < DEEPEST and (inner := _method(view, node, function)) is not None:
            yield from _responses(view, inner, depth + 1)


def _method(view: Any, node: ast.Call, function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The method that `super().name()` or `self.name()` calls."""
    if not isinstance(node.func, ast.Attribute):
        return None
    target = node.func.value
    name = node.func.attr
    if isinstance(target, ast.Name) and target.id == "self":
        found = getattr(type(view), name, None)
        return found if inspect.isfunction(found) and found is not function else None
    if isinstance(target, ast.Call) and isinstance(target.func, ast.Name) and target.func.id == "super":
        return _next(type(view), name, function)
    return None


def _next(kind: type, name: str, function: Callable[..., Any]) -> Callable[..., Any] | None:
    """What `super().name` is in `function`: the next definition after its class in the method resolution order."""
    classes = iter(kind.__mro__)
    next((cls for cls in classes if _defines(cls, inspect.unwrap(function))), None)
    return next((vars(cls)[name] for cls in classes if name in vars(cls)), None)


def _defines(cls: type, function: Callable[..., Any]) -> bool:
    return any(inspect.isfunction(one) and inspect.unwrap(one) is function for one in vars(cls).values())


def _status(node: ast.Call, owner: Callable[..., Any]) -> frozenset[int]:
    """The possible statuses of a response; empty if unknown."""
    given = next((keyword.value for keyword in node.keywords if keyword.arg in ("status", "status_code")), None)
    if given is None and len(node.args) > 1:
        given = node.args[1]
    if given is None:
        return frozenset({int(getattr(_value(node.func, owner), "status_code", 200))})
    ways = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
    values = [_value(way, owner) for way in ways]
    return frozenset(values) if all(isinstance(value, int) for value in values) else frozenset()


def mentions(function: Any, *attributes: str) -> bool:
    """Whether `function` reads one of these attributes."""
    tree = _tree(function)
    nodes = ast.walk(tree) if tree is not None else ()
    return any(isinstance(node, ast.Attribute) and node.attr in attributes for node in nodes)


def used_serializers(function: Callable[..., Any]) -> Used:
    """The serializers that are created in `function`, for a view without `get_serializer`, or with others besides it.

    One that gets `data=`, or a request passed to a function, reads; one that gets an object writes.
    """
    reads: dict[Any, None] = {}
    writes: dict[tuple[Any, bool], None] = {}
    for owner, node in _calls(function, 0):
        made = _value(node.func, owner)
        if isinstance(made, type) and issubclass(made, BaseSerializer):
            keywords = {keyword.arg for keyword in node.keywords}
            many = any(keyword.arg == "many" and _value(keyword.value, owner) is True for keyword in node.keywords)
            if "data" in keywords:
                reads[made] = None
            elif node.args or "instance" in keywords:
                writes[made, many] = None
            continue
        for argument in node.args:
            given = _value(argument, owner)
            if isinstance(given, type) and issubclass(given, BaseSerializer):
                reads[given] = None
    return Used(tuple(reads), tuple(writes))


def _calls(function: Callable[..., Any], depth: int) -> Iterator[tuple[Callable[..., Any], ast.Call]]:
    """Every call in `function`, and in functions of its module that it calls, each with the function that contains
    it."""
    tree = _tree(function)
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.Call):
            continue
        yield function, node
        inner = _value(node.func, function)
        if (
            depth < DEEPEST
            and inspect.isfunction(inner)
            and inner is not function
            and inner.__module__ == getattr(function, "__module__", None)
        ):
            yield from _calls(inner, depth + 1)


def _value(node: ast.expr, function: Callable[..., Any]) -> Any:
    """The value of an expression that is a constant or a name of the module; else None."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return _names(inspect.unwrap(function)).get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, function)
        return None if owner is None else inspect.getattr_static(owner, node.attr, None)
    if isinstance(node, ast.Subscript):  # Response[T]
        return _value(node.value, function)
    return None


def _names(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        closure = inspect.getclosurevars(vars(function)["__init__"] if inspect.isclass(function) else function)
    except ValueError:  # one of its variables has no value yet
        return {}
    return {**closure.globals, **closure.nonlocals}
