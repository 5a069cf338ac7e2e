"""Serve a Django project and FastAPI services from one process, and move endpoints over one at a time.

A request goes through five steps, each a module (`Gateway.__call__` in app.py reads as these lines):

    facts     what the request says, read once            routing/facts.py
    match     which route claims it                       routing/table.py, snapshot.py
    decision  which upstream answers, and why             rollout/decision.py
    dispatch  hand it over, watch what comes back         dispatch.py
    observe   log it                                      observability/

`upstreams/` has what can answer: the Django project and the services. `config.py` reads gateway.toml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.config import Config, ConfigError

__all__ = ["Config", "ConfigError", "Gateway"]


def __getattr__(name: str) -> Any:
    # Late, so that `INSTALLED_APPS = ["gateway.control"]` does not load what only the server needs.
    if name == "Gateway":
        from gateway.app import Gateway

        return Gateway
    if name in ("Config", "ConfigError"):
        from gateway import config

        return getattr(config, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
