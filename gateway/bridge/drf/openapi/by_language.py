"""The OpenAPI document in the caller's language, like DRF's metadata, with the components' names of the project's."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from fastapi import FastAPI

from gateway.bridge.drf.openapi.named import marking, with_component_names
from gateway.upstreams.introspection import unwrapped

__all__ = ["document_by_language"]


def document_by_language(app: object) -> None:
    """Make the document of `app`, which FastAPI creates only once, once for each language: its texts may be lazy."""
    found = unwrapped(app)
    if not isinstance(found, FastAPI) or "openapi_by_language" in vars(found):
        return
    original, made = found.openapi, dict[str | None, dict[str, Any]]()
    found.openapi_by_language = made  # type: ignore[attr-defined] # so that a second gateway leaves it alone

    def openapi() -> dict[str, Any]:
        language = translation.get_language()
        if language not in made:
            found.openapi_schema = None  # where FastAPI, and overrides of it, cache the last one
            with marking():
                made[language] = with_component_names(original())
        found.openapi_schema = made[language]
        return made[language]

    found.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend it
