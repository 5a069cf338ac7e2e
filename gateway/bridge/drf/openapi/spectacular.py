"""The project's own API document, if drf-spectacular makes one: its operations are used unchanged."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from django.core.signals import setting_changed
from django.utils import translation
from rest_framework.settings import api_settings

__all__ = ["PATCHES", "generating", "in_project_document", "is_spectacular", "path_in_document", "schemes_in_document"]

logger = logging.getLogger("gateway.bridge")

DocumentedOperation = tuple[Mapping[str, Any], Mapping[str, Any]]  # and the document's schemas

# FastAPI's documents are OpenAPI 3.1, with full paths.
PATCHES = {"OAS_VERSION": "3.1.0", "SCHEMA_PATH_PREFIX_TRIM": False, "SCHEMA_PATH_PREFIX_INSERT": ""}
# What FastAPI adds to every endpoint, although the document may not have it.
UNSAID: Mapping[str, Any] = {"summary": None, "description": None, "parameters": None, "security": [], "tags": []}
generating = threading.Lock()  # settings are patched, and warnings collected, for the whole process


class DocumentedScheme(NamedTuple):
    """A security scheme: its name in the document, and its definition."""

    name: str
    definition: Mapping[str, Any]


def is_spectacular() -> bool:
    """Whether drf-spectacular makes the project's document."""
    kind: Any = api_settings.DEFAULT_SCHEMA_CLASS
    openapi: Any = sys.modules.get("drf_spectacular.openapi")  # imported by the setting
    return openapi is not None and isinstance(kind, type) and issubclass(kind, openapi.AutoSchema)


def in_project_document(method: str, path: str, urlconf: Any) -> DocumentedOperation | None:
    """The operation, and the document's schemas by name; None when there is no such document, it can't be made, or it
    lacks this operation."""
    if not is_spectacular():
        return None
    document = _document(urlconf, translation.get_language())
    paths = {_shape(known): operations for known, operations in document.get("paths", {}).items()}
    operation = paths.get(_shape(path), {}).get(method.lower())
    if operation is None:
        return None
    return UNSAID | operation, document.get("components", {}).get("schemas", {})


@lru_cache(maxsize=16)
def _document(urlconf: Any, _language: str | None) -> Mapping[str, Any]:
    """The project's document; empty, with a warning in the log, when its generator, a hook or a view raises."""
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.settings import patched_settings, spectacular_settings

    with generating, patched_settings(PATCHES), GENERATOR_STATS.silence():
        generator = spectacular_settings.DEFAULT_GENERATOR_CLASS(urlconf=urlconf)
        try:
            document: Mapping[str, Any] = generator.get_schema(request=None, public=True)
        except Exception:
            logger.warning("the project's API document can't be made", exc_info=True)
            return {}
    return document


def _forget(**_changed: object) -> None:
    _document.cache_clear()


setting_changed.connect(_forget)


def _shape(path: str) -> str:
    return re.sub(r"{[^}]*}", "{}", path)


def path_in_document(callback: Any, method: str, path: str) -> str | None:
    """`path` with its parameters named as in the project's document, `{id}` for `{pk}`; None if the document leaves
    this operation out."""
    if not is_spectacular():
        return path
    from drf_spectacular.settings import spectacular_settings

    generator = spectacular_settings.DEFAULT_GENERATOR_CLASS()
    view: Any = generator.create_view(callback, method)
    if view.schema.is_excluded():
        return None
    named: str = generator.coerce_path(path, method, view)
    return named


def schemes_in_document(view: Any) -> list[DocumentedScheme] | None:
    """How callers of `view` authenticate, according to the document; None if drf-spectacular makes none."""
    if not is_spectacular():
        return None
    from drf_spectacular.extensions import OpenApiAuthenticationExtension
    from drf_spectacular.plumbing import whitelisted
    from drf_spectacular.settings import spectacular_settings

    found: list[DocumentedScheme] = []
    for authenticator in view.get_authenticators():
        extension: Any = OpenApiAuthenticationExtension.get_match(authenticator)
        if extension and whitelisted(authenticator, spectacular_settings.AUTHENTICATION_WHITELIST, True):
            definition = extension.get_security_definition(view.schema)
            pairs = (
                [(extension.name, definition)]
                if isinstance(extension.name, str)
                else zip(extension.name, definition, strict=True)
            )
            found += [DocumentedScheme(name, one) for name, one in pairs]
    appended = spectacular_settings.APPEND_COMPONENTS.get("securitySchemes", {})
    return [*found, *(DocumentedScheme(name, one) for name, one in appended.items())]
