"""Serve a Django project and FastAPI services from one process, and move endpoints over one at a time.

A request passes through these packages, in this order (`Gateway.__call__` in app.py; docs/DESIGN.md has the map):

    resolve   read it, find its route, decide on the upstream     resolver.py, routing/, rollout/decision.py
    dispatch  the upstream answers; deadline, breaker, fallback   dispatch/
    observe   count and log it                                    observability/

mirroring/ copies the request and its response where the route is mirrored. upstreams/ and legacy/ are what can answer;
config/ reads gateway.toml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.config.parse import Config
    from gateway.config.problems import ConfigError
    from gateway.context.mirror_scope import is_mirror

__all__ = ["Config", "ConfigError", "Gateway", "is_mirror"]


def __getattr__(name: str) -> Any:
    # Imported late, so that `INSTALLED_APPS = ["gateway.control"]` does not import what only the server needs.
    if name == "Gateway":
        from gateway.app import Gateway

        return Gateway
    if name == "is_mirror":
        from gateway.context.mirror_scope import is_mirror

        return is_mirror
    if name in ("Config", "ConfigError"):
        from gateway import config

        return getattr(config, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
