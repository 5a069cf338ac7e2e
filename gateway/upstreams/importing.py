"""Imports the objects that gateway.toml names."""

from __future__ import annotations

import importlib
from typing import Any

from gateway.upstreams.traces import origin

__all__ = ["ImportStringError", "import_from_string"]


class ImportStringError(Exception):
    """A "package.module:attribute" that can't be imported. The message says why."""


def import_from_string(target: str) -> Any:
    """The object that `package.module:attribute` names. Raises ImportStringError, which says where an import failed."""
    module_name, _, attributes = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as exc:
        if exc.name is not None and (module_name == exc.name or module_name.startswith(f"{exc.name}.")):
            raise ImportStringError(f"there is no module {exc.name!r}") from exc
        raise ImportStringError(f"importing {module_name} failed: {_located(exc)}") from exc
    except (Exception, SystemExit) as exc:
        raise ImportStringError(f"importing {module_name} failed: {_located(exc)}") from exc
    try:
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except AttributeError as exc:
        raise ImportStringError(f"{module_name} has no attribute {attributes!r}") from exc
    return found


def _located(error: BaseException) -> str:
    """`error`, with the last line of the user's own code in its traceback: not Python's or an installed package's."""
    said, found = f"{type(error).__name__}: {error}", origin(error)
    return said if found is None else f"{said} ({found[0]}, line {found[1]})"
