"""Four callers without rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps

from gateway.workbench.database import has_field
from gateway.workbench.drf.contract.views import anonymous

__all__ = ["callers"]

FLAGS: tuple[tuple[str, dict[str, bool]], ...] = (
    ("users", {"is_active": True}),
    ("staff", {"is_active": True, "is_staff": True}),
    ("superusers", {"is_active": True, "is_staff": True, "is_superuser": True}),
)


def callers() -> Iterator[tuple[str, Any]]:
    """A name for these callers, in the plural, and the user. Projects without users only have anonymous callers."""
    yield "strangers", anonymous()
    if not apps.is_installed("django.contrib.auth"):
        return
    from django.contrib.auth import get_user_model

    model = get_user_model()
    for name, flags in FLAGS:
        yield name, model(pk=1, **{flag: value for flag, value in flags.items() if has_field(model, flag)})
