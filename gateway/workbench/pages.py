"""Where the API document and its pages are, and what has their paths instead: for `gateway check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.apidoc.assets import asset
from gateway.apidoc.pages import INSTALL
from gateway.apidoc.paths import ASSET, OPENAPI, pages

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["page_notes"]


def page_notes(gateway: Gateway) -> Iterator[str]:
    """One note on those that are served, and one for each path that is another's."""
    settings, table = gateway.config.gateway, gateway.snapshot.table
    found = pages(settings)
    served = [path for path, (kind, _) in found.items() if kind != ASSET and path in table.pages]
    if served:
        whom = "everybody" if settings.docs == "public" else "staff"
        yield f"the API document is at {', '.join(served)}, for {whom}"
        if any(found[path][0] != OPENAPI for path in served) and asset("swagger-ui-bundle.js") is None:
            yield f"the pages of the API document need Swagger UI and Redoc: {INSTALL}"
    for path in found:
        if path not in table.pages:
            yield f"no API document at {path}: {_owner(gateway, path)}; [gateway] can name another path"


def _owner(gateway: Gateway, path: str) -> str:
    match = gateway.snapshot.table.match(path, "GET")
    if match is not None and match.route is not None:
        return f"route {match.route!r} has that path"
    if match is not None:
        return "a route has that path"
    known = gateway.snapshot.known(path)
    return "the project has that path" if known else "the WSGI application can't be asked whether it has that path"
