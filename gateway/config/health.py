"""Probes: `[health]`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.config.section import Seconds, Section

__all__ = ["HEALTHZ", "READYZ", "HealthSettings", "probe_paths"]

HEALTHZ, READYZ, VERSION = "/healthz", "/readyz", "/version"
PROBE = "probe"  # the audience of pages that are there for every caller, also by a Host that isn't allowed


class HealthSettings(Section):
    """`[health]`: what load balancers, orchestrators and people ask a process about itself."""

    prefix: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$")] | Literal[False] = Field(
        "/-", description='a path such as "/ops", which healthz, readyz and version are below, or false'
    )
    max_age: Seconds = Field(
        60.0, description="seconds without news from the database, after which a process isn't ready"
    )
    version: Literal["staff", "public", False] = Field(
        "staff", description='who may see /version: "staff", "public", or false for nobody'
    )


def probe_paths(settings: HealthSettings) -> dict[str, str]:
    """The paths of the pages, and their audiences."""
    if not settings.prefix:
        return {}
    paths = {settings.prefix + name: PROBE for name in (HEALTHZ, READYZ)}
    if settings.version:
        paths[settings.prefix + VERSION] = settings.version
    return paths
