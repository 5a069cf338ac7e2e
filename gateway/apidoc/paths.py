"""The paths of the document and of its pages, by the keys of `[gateway]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.apidoc.assets import OWN, REDOC, SWAGGER_UI
from gateway.config.legacy import GatewaySettings

__all__ = ["ASSET", "DOCS", "OPENAPI", "REDOC_PAGE", "free", "pages"]

OPENAPI, DOCS, REDOC_PAGE, ASSET = "openapi", "docs", "redoc", "asset"


def pages(settings: GatewaySettings) -> dict[str, tuple[str, str]]:
    """What is at each path: one of OPENAPI, DOCS, REDOC_PAGE and ASSET, and the name of the asset."""
    found: dict[str, tuple[str, str]] = {}
    if not settings.docs:
        return found
    if settings.openapi_path:
        found[settings.openapi_path] = OPENAPI, ""
    if settings.docs_path:
        found[settings.docs_path] = DOCS, ""
        found |= {f"{settings.docs_path.rstrip('/')}/{name}": (ASSET, name) for name in (*SWAGGER_UI, *OWN)}
    if settings.redoc_path:
        found[settings.redoc_path] = REDOC_PAGE, ""
        found |= {f"{settings.redoc_path.rstrip('/')}/{name}": (ASSET, name) for name in REDOC}
    return found


def free(settings: GatewaySettings, known: Callable[[str], bool | None]) -> Mapping[str, str]:
    """The paths that the project doesn't have, and their audience. One that can't be asked may have any: no page of the
    gateway's takes the place of one of the project's."""
    return {path: str(settings.docs) for path in pages(settings) if known(path) is False}
