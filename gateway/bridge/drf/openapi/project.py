"""The whole OpenAPI document of the project, made by drf-spectacular."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils import translation

from gateway.bridge.drf.openapi.spectacular import PATCHES, generating

__all__ = ["generator", "project_document"]


def project_document() -> Mapping[str, Any]:
    """The document of the URLconf in OpenAPI 3.1, in the project's language; for everybody, whatever their permissions.

    Raises what a view or a serializer of the project's raises. Connections that it opens on this thread are closed.
    """
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.settings import patched_settings

    before = _open_connections()
    try:
        with (
            generating,
            patched_settings(PATCHES),
            GENERATOR_STATS.silence(),
            translation.override(settings.LANGUAGE_CODE),
        ):
            document: Mapping[str, Any] = generator()().get_schema(request=None, public=True)
    finally:
        for alias in _open_connections() - before:
            connections[alias].close()
    return document


def _open_connections() -> set[str]:
    return {one.alias for one in connections.all(initialized_only=True) if one.connection is not None}


def generator() -> type[Any]:
    """The project's generator, or spectacular's, which also reads views with another schema class: each gets one for
    this document only, as in `view.schema = …` of DRF's manual."""
    from drf_spectacular.openapi import AutoSchema
    from drf_spectacular.settings import spectacular_settings

    base: type[Any] = spectacular_settings.DEFAULT_GENERATOR_CLASS

    class Generator(base):  # type: ignore[misc] # of the project's choosing
        def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
            view = super().create_view(callback, method, request)
            if not isinstance(view.schema, AutoSchema):
                view.schema = AutoSchema()
            return view

    return Generator
