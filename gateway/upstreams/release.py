"""The release of a service that this process runs. Counts of one release say nothing about the next."""

from __future__ import annotations

import inspect
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from gateway.routing.table import EndpointPattern

__all__ = ["VARIABLE", "modules_of", "release_of"]

VARIABLE = "GATEWAY_RELEASE"  # set by a deployment, for all services
LONGEST = 100  # characters


def release_of(
    stated: str | None, target: str | None = None, endpoints: Sequence[EndpointPattern] | None = None
) -> str:
    """The release of a service, from the first of these that is there: its configuration (`stated`), the environment's
    GATEWAY_RELEASE, a hash of its code: the modules of `target` ("package.module:attribute"), of its `endpoints` and of
    their dependencies, each with its package. "" when none is. Characters other than letters, digits, dots, dashes and
    underscores become underscores.
    """
    if release := stated or os.environ.get(VARIABLE):
        return re.sub(r"[^A-Za-z0-9._-]", "_", release[:LONGEST])
    digest = sha256()
    found = False
    for path in sorted(set(_files(modules_of(target, endpoints or ())))):
        try:
            content = path.read_bytes()
        except OSError:
            continue  # imported from an archive, or deleted since
        found = True
        digest.update(path.name.encode() + b"\0" + content + b"\0")
    return f"code-{digest.hexdigest()[:12]}" if found else ""


def modules_of(target: str | None, endpoints: Iterable[EndpointPattern]) -> Iterator[ModuleType]:
    """The modules that a service's code is in: its `target` ("package.module:attribute"), its `endpoints` and their
    dependencies."""
    functions: list[Callable[..., Any]] = []
    for endpoint in endpoints:
        functions += [function for function in (endpoint.function, *endpoint.dependencies) if function is not None]
    names = {getattr(inspect.unwrap(function), "__module__", "") for function in functions}
    names.add((target or "").partition(":")[0])
    yield from (module for name in names if (module := sys.modules.get(name)) is not None)


def _files(modules: Iterable[ModuleType]) -> Iterator[Path]:
    """The files of `modules`; for a module in a package, all files of the package, which the module may import."""
    installed = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    for module in modules:
        if not (file := getattr(module, "__file__", None)):
            continue
        path = Path(file).resolve()
        if any(folder in path.parents for folder in installed):
            continue  # FastAPI's own pages, and what other packages define
        yield from path.parent.rglob("*.py") if module.__package__ else [path]
