"""Finds file and line of code, and the package or app to which it belongs."""

from __future__ import annotations

import inspect
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from django.apps import apps
from django.conf import settings

__all__ = ["app_of", "code_of", "dotted_name", "is_third_party", "line_with", "location"]

_class = re.compile(r"^([ \t]*)class[ \t]+(\w+)", re.MULTILINE)
_INSTALLED = tuple({str(Path(sysconfig.get_path(kind)).resolve()) for kind in ("purelib", "platlib", "stdlib")})


def dotted_name(thing: Any) -> str:
    """`package.module.Name` of a class or function; for an instance, that of its class."""
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    # `@api_view` and similar decorators give a class the name of a function, but not its qualified name.
    qualified = named.__qualname__ if named.__qualname__.endswith(named.__name__) else named.__name__
    return f"{named.__module__}.{qualified}"


def location(thing: Any) -> tuple[str, int]:
    """The file and line of a class or function; `("", 0)` if unknown, as for code in C."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    code = getattr(getattr(thing, "__func__", thing), "__code__", None)
    if code is not None:
        return code.co_filename, code.co_firstlineno
    kind = thing if isinstance(thing, type) else type(thing)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return file, _classes(file).get(kind.__qualname__.rpartition(".")[2], 1) if file else 0


def code_of(function: Any) -> Iterator[CodeType]:
    """The code of a function, or of the methods of a class, including nested functions."""
    inner = inspect.unwrap(function) if callable(function) else function
    members = vars(inner).values() if isinstance(inner, type) else [inner]
    pending = [getattr(inspect.unwrap(one) if callable(one) else one, "__code__", None) for one in members]
    while pending:
        if (code := pending.pop()) is not None:
            yield code
            pending += [const for const in code.co_consts if isinstance(const, CodeType)]


def line_with(module: ModuleType, pattern: str) -> tuple[str, int]:
    """The file of a URLconf, and the first line that contains a pattern; 1 if none does."""
    file = module.__file__ or ""
    quoted = re.compile(rf"""["']{re.escape(pattern)}["']""")
    lines = enumerate(_text(file).splitlines(), 1)
    return file, next((number for number, line in lines if quoted.search(line)), 1)


@lru_cache(maxsize=64)
def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@lru_cache(maxsize=1024)
def _classes(file: str) -> dict[str, int]:
    """The lines of a file's classes; for equal names, of the outermost. `inspect` would parse the whole file for each
    class."""
    text = _text(file)
    found: dict[str, tuple[int, int]] = {}
    line, start = 1, 0
    for one in _class.finditer(text):
        line, start = line + text.count("\n", start, one.start()), one.start()
        found[one[2]] = min(found.get(one[2], (len(one[1]), line)), (len(one[1]), line))
    return {name: line for name, (_, line) in found.items()}


@lru_cache(maxsize=4096)
def app_of(module: str) -> str:
    """The label of the Django app to which `module` belongs; outside of all apps, its package."""
    config = apps.get_containing_app_config(module)
    return config.label if config is not None else module.partition(".")[0]


def is_third_party(file: str) -> bool:
    """Whether `file` belongs to an installed package, or to Python. The package of ROOT_URLCONF is the project's, which
    may be installed as a package itself."""
    return _is_third_party(file, settings.ROOT_URLCONF.partition(".")[0])


@lru_cache(maxsize=4096)
def _is_third_party(file: str, project: str) -> bool:
    if not file or file.startswith("<"):
        return True
    found = Path(file).resolve()
    return str(found).startswith(_INSTALLED) and not any(map(found.is_relative_to, _files_of(project)))


@lru_cache(maxsize=16)
def _files_of(name: str) -> tuple[Path, ...]:
    """The folders of a package, or the file of a module."""
    module = import_module(name)
    return tuple(Path(one).resolve() for one in getattr(module, "__path__", [module.__file__ or ""]))
