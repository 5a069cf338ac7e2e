"""A file of the endpoints that Django serves and no route claims yet: existing ones may stay, none may be added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.rollout.stage import LEGACY_STAGE
from gateway.workbench.inventory.report import InventoryEntry

__all__ = ["BaselineComparison", "BaselineError", "compare", "legacy_endpoints", "read", "write"]

HEAD = """\
# The endpoints that Django serves and no route has taken up. `gateway check --baseline` fails when there is another;
# `gateway check --baseline FILE --update` writes this file.
"""
_line = re.compile(r"(?:[A-Z]+|\*) /\S*")
_parameter = re.compile(r"{\w+(:path)?}")


class BaselineError(ValueError):
    """The file was not written by `write`."""


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """The result: endpoints that are not in the file, and those in the file that are gone or claimed by a route."""

    new: tuple[str, ...]
    gone: tuple[str, ...]


def legacy_endpoints(entries: Iterable[InventoryEntry]) -> list[str]:
    """The project's endpoints without a route beyond stage `legacy`, as "GET /path/"."""
    return sorted({str(entry.endpoint) for entry in entries if entry.own and entry.stage == LEGACY_STAGE})


def read(path: Path) -> list[str]:
    """The endpoints in a file. Raises BaselineError, and OSError."""
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if wrong := next((line for line in found if not _line.fullmatch(line)), None):
        raise BaselineError(f"{path}: {wrong!r} is no endpoint such as 'GET /api/products/'; --update writes the file")
    return found


def write(path: Path, endpoints: Sequence[str]) -> None:
    """Write them, one per line. Raises OSError."""
    path.write_text(HEAD + "".join(f"{one}\n" for one in endpoints), "utf-8")


def compare(known: Sequence[str], endpoints: Sequence[str]) -> BaselineComparison:
    """The new endpoints, and those of `known` that are gone. Names of parameters may differ."""
    before, now = {_unnamed(one): one for one in known}, {_unnamed(one): one for one in endpoints}
    return BaselineComparison(
        tuple(one for key, one in now.items() if key not in before),
        tuple(one for key, one in before.items() if key not in now),
    )


def _unnamed(endpoint: str) -> str:
    return _parameter.sub(r"{\1}", endpoint)
