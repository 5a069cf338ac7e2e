"""Stubs for functions of the project that must be rewritten: they raise, with the old source in the docstring."""

from __future__ import annotations

import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

from gateway.workbench.scaffold.references import Untranslatable, ref, reference

__all__ = ["annotation_text", "docstring", "hints", "in_docstring", "raising", "source_of"]

ANY = ref("typing", "Any")


def source_of(function: Callable[..., Any]) -> str:
    """The source of a function, or a note if it isn't available."""
    try:
        return textwrap.dedent(inspect.getsource(inspect.unwrap(function))).strip()
    except (OSError, TypeError):
        return "# its source is not to be found"


def docstring(first: str, what: str, function: Callable[..., Any]) -> str:
    """A docstring of `first`, and the source of `function` after a form feed, where FastAPI ends a description."""
    source = in_docstring(source_of(function))
    return f'"""{first}\\f\n\n{what} was:\n\n{textwrap.indent(source, "    ")}\n"""'


def in_docstring(text: str) -> str:
    """`text` as it may stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''")


def raising(what: str) -> str:
    """The statement of a stub."""
    return f'raise NotImplementedError("TODO: {what}")'


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function, as far as they can be resolved."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # noqa: BLE001 - a name that is only there for type checkers
        return {}


def annotation_text(hint: Any) -> str:
    """The text for a type; Any without one."""
    try:
        return _annotation(hint)
    except Untranslatable:
        return ANY


def _annotation(hint: Any) -> str:
    if hint is None or hint is type(None):
        return "None"
    if hint is Any:
        return ANY
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(_annotation, parts))
    if origin is typing.Annotated:
        return _annotation(parts[0])
    if origin is not None:
        return f"{reference(origin)}[{_arguments(parts)}]" if parts else reference(origin)
    if isinstance(hint, type):
        return reference(hint)
    raise Untranslatable(repr(hint))


def _arguments(parts: Sequence[Any]) -> str:
    return ", ".join("..." if part is Ellipsis else _annotation(part) for part in parts)
