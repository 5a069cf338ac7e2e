"""The configuration that the pages show, and the gateway, if it serves in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gateway.config.files import find_or_fail, read
from gateway.config.parse import Config, parse
from gateway.control.serving import serving

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.config.routes import RouteConfig

__all__ = ["AdminProject", "project"]


@dataclass(frozen=True, slots=True)
class AdminProject:
    """`gateway` is None where another server than the gateway serves this page: then only what the file and the
    database say is known, but routes can be moved all the same."""

    config: Config
    gateway: Gateway | None

    @property
    def routes(self) -> tuple[RouteConfig, ...]:
        """The routes of the file, in its order."""
        return self.config.routes

    def route(self, name: str) -> RouteConfig | None:
        """The route of that name; None if the file has none."""
        return next((route for route in self.routes if route.name == name), None)


_read: dict[tuple[str, int], Config] = {}  # by path and time of change: the last file that was read


def project() -> AdminProject:
    """The project of this process. Raises ConfigError if the gateway doesn't serve here, and there is no file."""
    if (running := serving()) is not None:
        return AdminProject(running.config, cast("Gateway", running))
    path = find_or_fail()
    return AdminProject(_config(path), None)


def _config(path: Path) -> Config:
    """The valid part of the file: a mistake in it must not hide the rest."""
    key = str(path), path.stat().st_mtime_ns if path.exists() else 0
    if (known := _read.get(key)) is not None:
        return known
    config, _ = parse(read(path), str(path))
    _read.clear()
    _read[key] = config
    return config
