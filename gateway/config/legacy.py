"""The project and the gateway itself: `[legacy]` and `[gateway]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from gateway.config.salvage import KeyConflict
from gateway.config.section import IMPORT_STRING, HeaderName, ImportString, Seconds, Section

__all__ = ["DISK", "MEMORY", "GatewaySettings", "LegacyConfig"]


MEMORY, DISK = 64 * 2**20, 8 * 2**30  # of `gateway.dispatch.bodies`

# Paths of health checks, by the defaults of Kubernetes, load balancers and common packages.
RESERVED = ("/health", "/healthz", "/health-check", "/healthcheck", "/livez", "/readyz", "/ht", "/ping")

PAGE_PATH = 'a path without parameters, such as "/api/docs", or false'
PagePath = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+/?$")]


class GatewaySettings(Section):
    """`[gateway]`: settings of the whole process."""

    served_by: HeaderName | Literal[False] = Field(
        "X-Served-By", description="response header that names the upstream, or false"
    )
    request_id: HeaderName | Literal[False] = Field(
        "X-Request-ID", description="request and response header that names the request, or false"
    )
    body_memory: int = Field(MEMORY, ge=0, description="bytes of requests' bodies that a process holds in memory")
    body_disk: int = Field(DISK, ge=0, description="bytes of requests' bodies that a process holds on disk")
    docs: Literal["staff", "public", False] = Field(
        "staff", description='who may see the API document and its pages: "staff", "public", or false for nobody'
    )
    openapi_path: PagePath | Literal[False] = Field("/openapi.json", description=PAGE_PATH)
    docs_path: PagePath | Literal[False] = Field("/docs", description=PAGE_PATH)
    redoc_path: PagePath | Literal[False] = Field("/redoc", description=PAGE_PATH)
    root_path: str = Field(
        "", pattern=r"^(/[^/?#]+)*$", description='the path a proxy serves this site under, such as "/shop"'
    )

    def conflicts(self) -> Iterator[KeyConflict]:
        """As in Section."""
        if self.docs and (self.docs_path or self.redoc_path) and not self.openapi_path:
            yield KeyConflict("a path: the pages of docs_path and redoc_path read the document there", "openapi_path")
        paths = [path for path in (self.openapi_path, self.docs_path, self.redoc_path) if path]
        if len(set(paths)) < len(paths):
            yield KeyConflict("three paths that differ", "docs_path", "openapi_path", "redoc_path")


class LegacyConfig(Section):
    """`[legacy]`: the Django project."""

    settings: str | None = Field(
        None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$",
        description='the settings module, such as "mysite.settings"; default: DJANGO_SETTINGS_MODULE',
    )
    threads: int = Field(40, ge=1, le=1000, description="threads for synchronous views, 1 to 1000")
    queue: int = Field(1000, ge=1, description="how many requests may wait for a thread while none is free, 1 or more")
    queue_timeout: Seconds = Field(30.0, description="seconds that a request may wait for a thread")
    reserve: int = Field(
        2,
        ge=0,
        le=1000,
        description="additional threads for the admin and `reserved` while no other is free, 0 to 1000",
    )
    reserved: tuple[Annotated[str, Field(pattern=r"^/[^?#\s]+$")], ...] = Field(
        RESERVED, description='paths of health checks, such as ["/healthz"], with everything below'
    )
    static: bool = Field(True, description="serve STATIC_URL unless the project does so itself")
    max_body: int = Field(2**30, ge=0, description="the largest request body in bytes; a larger one is answered 413")
    asgi: ImportString | None = Field(None, description=IMPORT_STRING)
    wsgi: ImportString | None = Field(None, description=IMPORT_STRING)

    def conflicts(self) -> Iterator[KeyConflict]:
        """As in Section."""
        if self.asgi and self.wsgi:
            yield KeyConflict("either asgi or wsgi, not both", "wsgi", "asgi")
