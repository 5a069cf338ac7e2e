"""References to names of modules in generated text, resolved when all names of the module are known."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["Untranslatable", "home_of", "import_lines", "ref", "reference", "resolve"]

# Module, name, and its name when imported; "" is its own name. These characters don't occur in Python source.
_reference = re.compile("\x02([^\x02\x03]*)\x1f([^\x02\x03]*)\x1f([^\x02\x03]*)\x03")
FACADES = ("rest_framework.serializers", "rest_framework.permissions")


class Untranslatable(Exception):
    """A value that can't be written as text. The message describes it."""


def ref(module: str, name: str, alias: str = "") -> str:
    """The text for `name` of `module`; for the module itself if `name` is ""."""
    return f"\x02{module}\x1f{name}\x1f{alias}\x03"


def reference(thing: Any) -> str:
    """The text for a class or a function. Raises Untranslatable if it can't be imported."""
    module, path = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    if not module or "<" in path or not path:
        raise Untranslatable(f"{path or thing!r} can't be imported")
    first, *more = path.split(".")
    found = importlib.import_module(module)
    for part in (first, *more):
        found = getattr(found, part, None)  # type: ignore[assignment] # None is no module, and ends it
    if found is not thing:
        raise Untranslatable(f"{module}.{path} is something else")
    if module == "builtins":
        return path
    top = getattr(importlib.import_module(module), first)
    return ".".join([ref(home_of(top), first), *more])


def home_of(thing: Any) -> str:
    """The module to import `thing` from: the shortest package that exports it."""
    module, name = thing.__module__, thing.__qualname__
    for facade in FACADES:
        if facade in sys.modules and getattr(sys.modules[facade], name, None) is thing:
            return facade
    parts = module.split(".")
    packages = (".".join(parts[:count]) for count in range(1, len(parts)))
    return next((one for one in packages if getattr(sys.modules.get(one), name, None) is thing), module)


def _references(text: str) -> Iterator[tuple[str, str, str]]:
    yield from dict.fromkeys(match.groups() for match in _reference.finditer(text))  # type: ignore[misc] # three groups


def resolve(text: str, taken: set[str]) -> tuple[str, list[str]]:
    """`text` with every reference replaced by a name that is not in `taken`, and the lines that import them."""
    names: dict[tuple[str, str, str], str] = {}
    used = set(taken)
    for found in _references(text):
        names[found] = _free(*found, used)
        used.add(names[found].partition(".")[0])
    return _reference.sub(lambda match: names[match.groups()], text), import_lines(names)  # type: ignore[index] # as above


def _free(module: str, name: str, alias: str, used: set[str]) -> str:
    if not name:
        return module
    wanted = alias or name
    if wanted not in used:
        return wanted
    stem = module.rpartition(".")[2].title().replace("_", "")
    tried = (f"{wanted}{suffix}" if wanted[0].isupper() else f"{wanted}_{suffix.lower()}" for suffix in _suffixes(stem))
    return next(one for one in tried if one not in used)


def _suffixes(stem: str) -> Iterator[str]:
    yield from ("Row" if stem == "Models" else stem, *map(str, range(2, 1000)))


def import_lines(names: dict[tuple[str, str, str], str]) -> list[str]:
    """The import statements for references, to be sorted by ruff."""
    lines = set()
    for (module, name, _alias), called in names.items():
        if name:
            lines.add(f"from {module} import {name}" + (f" as {called}" if called != name else ""))
        else:
            lines.add(f"import {module}")
    return sorted(lines)
