"""The project's API document, if it uses Django REST framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps

if TYPE_CHECKING:
    from gateway.workbench.drf.documented import Document

__all__ = ["project_document"]


def project_document() -> Document | None:
    """The document that drf-spectacular makes; None without it, or without REST framework in INSTALLED_APPS."""
    if not apps.is_installed("rest_framework"):
        return None
    from gateway.workbench.drf.documented import api_document

    return api_document()
