"""Finds the place in the user's own code where an exception was raised."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

__all__ = ["origin", "raised"]

OTHERS = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
OTHERS.add(Path(__file__).parents[1])  # the gateway itself


def origin(error: BaseException) -> tuple[Path, int] | None:
    """File and line of the last frame of `error` in the user's own code: not Python's or an installed package's.
    None when there is none."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_file() and OTHERS.isdisjoint(path.parents):
            return path, frame.lineno or 0
    return None


def raised(error: BaseException) -> str:
    """The type of `error` and where it was raised, without its message: "ZeroDivisionError at catalog/api.py:41"."""
    found = origin(error)
    if found is None:
        return type(error).__name__
    path, line = found
    try:
        shown = path.relative_to(Path.cwd())
    except ValueError:
        shown = Path(*path.parts[-2:])
    return f"{type(error).__name__} at {shown.as_posix()}:{line}"
