"""The tables of docs/cli-json.md, made of gateway/workbench/shapes: `python -m tests.support.shapes` writes them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from gateway.workbench.shapes import SHAPES, Envelope, ErrorDocument, Shape

PAGE = Path(__file__).parents[2] / "docs" / "cli-json.md"
MARK = "<!-- From here on made by `python -m tests.support.shapes`. -->\n"
WORDS = {str: "text", bool: "true or false", int: "whole number", float: "number", Any: "anything", type(None): "null"}
ENVELOPE = set(Envelope.model_fields)


DOCUMENTS: list[type[Envelope]] = [*dict.fromkeys(SHAPES.values()), ErrorDocument]


def written() -> str:
    """The tables: each document, and after them what they are made of."""
    sections = [_section(document, "##") for document in DOCUMENTS]
    return "\n".join([*sections, "## Parts\n", *(_section(part, "###") for part in _all_parts())])


def _all_parts() -> dict[type[Shape], None]:
    return dict.fromkeys(part for document in DOCUMENTS for part in _parts(document))


def _parts(shape: type[Shape]) -> Iterator[type[Shape]]:
    for field in shape.model_fields.values():
        for part in _shapes_in(field.annotation):
            yield part
            yield from _parts(part)


def _shapes_in(annotation: Any) -> Iterator[type[Shape]]:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        yield annotation
    for argument in get_args(annotation):
        yield from _shapes_in(argument)


def _section(shape: type[Shape], level: str) -> str:
    said = (shape.__doc__ or "").strip()
    title = shape.__name__.removesuffix("Document") if issubclass(shape, Envelope) else shape.__name__
    rows = [
        f"| `{name}` | {kind(field)} | {field.description or ''} |"
        for name, field in shape.model_fields.items()
        if not issubclass(shape, Envelope) or name not in ENVELOPE
    ]
    return "\n".join([f"{level} {title}\n", f"{said}\n", "| key | | |", "|---|---|---|", *rows, ""])


def kind(field: FieldInfo) -> str:
    """What a value is, in words."""
    return _kind(field.annotation)


def _kind(annotation: Any) -> str:
    if annotation in WORDS:
        return WORDS[annotation]
    if annotation is AwareDatetime:
        return "time"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _kind(annotation.__origin__)
    if origin is Literal:
        return ", ".join(f"`{value!r}`".replace("'", '"') for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_kind, arguments))
    if origin is list:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"map to {_kind(arguments[1])}"
    return f"[{annotation.__name__}](#{annotation.__name__.lower()})"


def numbers() -> Iterator[tuple[str, str]]:
    """Shape and key of every number that counts nothing, and so has a unit."""
    for shape in [*DOCUMENTS, *_all_parts()]:
        for name, field in shape.model_fields.items():
            if "number" in kind(field).replace("whole number", "") and "[" not in kind(field):
                yield shape.__name__, name


if __name__ == "__main__":
    prose = PAGE.read_text().partition(MARK)[0]
    PAGE.write_text(f"{prose}{MARK}\n{written()}")
