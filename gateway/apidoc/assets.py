"""The files of Swagger UI and Redoc, from drf-spectacular-sidecar, so that the pages load nothing from other sites."""

from __future__ import annotations

import importlib.util
from pathlib import Path

__all__ = ["OWN", "REDOC", "SIDECAR", "SWAGGER_UI", "asset"]

SIDECAR = "drf_spectacular_sidecar"
# Files by name, with their folder in the package.
SWAGGER_UI = {"swagger-ui.css": "swagger-ui-dist", "swagger-ui-bundle.js": "swagger-ui-dist"}
REDOC = {"redoc.standalone.js": "redoc/bundles"}
OWN = ("start.js",)  # in this folder


def asset(name: str) -> Path | None:
    """The file of this name; None where the package that brings it isn't installed."""
    if name in OWN:
        return Path(__file__).parent / name
    found = importlib.util.find_spec(SIDECAR)
    folder = {**SWAGGER_UI, **REDOC}[name]
    for place in (found.submodule_search_locations if found is not None else None) or ():
        path = Path(place) / "static" / SIDECAR / folder / name
        if path.is_file():
            return path
    return None
