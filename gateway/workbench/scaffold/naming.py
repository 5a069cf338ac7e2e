"""Names and places of generated files and functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from gateway.workbench.inventory import Endpoint

__all__ = ["function_name", "identifier", "module_path", "route_name", "stem_of"]


def identifier(text: str) -> str:
    """A Python name in snake case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"\W+", "_", spaced).strip("_").lower() or "endpoint"
    return f"_{name}" if name[0].isdigit() else name


def _words(template: str) -> list[str]:
    """The segments of a template that are plain text."""
    return [segment for segment in template.split("/") if segment and "{" not in segment]


def stem_of(chosen: Sequence[Endpoint], whole: bool) -> str:
    """The name of a module for `chosen`: after their subject, and the action if there is only one."""
    first = min(chosen, key=lambda endpoint: len(endpoint.template))
    before = first.template.partition("{")[0]
    words = _words(before) or _words(first.template)
    if whole and first.action in ("list", "create"):  # of a ViewSet that may be nested in another
        words = _words(first.template)
    subject = identifier(next(reversed(words), "endpoint"))
    if whole:
        return subject
    return "_".join(dict.fromkeys([subject, identifier(_done(chosen[0]))]))


def _done(endpoint: Endpoint) -> str:
    return endpoint.action or endpoint.method.replace("*", "any").lower()


def route_name(service: str, stem: str, taken: Collection[str]) -> str:
    """A name for the route that isn't taken."""
    short = service if stem == identifier(service) else f"{service}-{stem.strip('_').replace('_', '-')}"
    return next(name for name in (short, *(f"{short}-{number}" for number in range(2, 1000))) if name not in taken)


def function_name(endpoint: Endpoint, taken: Collection[str]) -> str:
    """A name for the function of an endpoint."""
    words = _words(endpoint.template)
    subject = identifier(words[-1]) if words else "root"
    done = identifier(_done(endpoint))
    plain = done if done == subject else f"{done}_{subject}"
    return next(name for name in (plain, *(f"{plain}_{number}" for number in range(2, 1000))) if name not in taken)


def module_path(app: str, root: Path, stem: str, *, is_new: bool = False) -> tuple[Path, str]:
    """The file and name of a module `stem` for the service with the application `app`: in its package, which is created
    for a new one, or next to its module."""
    module = app.partition(":")[0]
    place = root.joinpath(*module.split("."))
    if is_new or place.is_dir() or not place.with_suffix(".py").exists():
        return place / f"{stem}.py", f"{module}.{stem}"
    package, _, name = module.rpartition(".")
    return place.with_name(f"{name}_{stem}.py"), f"{package}.{name}_{stem}".lstrip(".")
