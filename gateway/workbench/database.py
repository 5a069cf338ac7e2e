"""What the commands ask about the project's models and its database."""

from __future__ import annotations

from typing import Any

from gateway.wording import Message, message

__all__ = ["has_field", "installed", "trouble"]


def installed() -> bool:
    """Whether `gateway.control` is in INSTALLED_APPS."""
    from django.apps import apps

    return apps.ready and apps.is_installed("gateway.control")


def has_field(model: Any, name: str) -> bool:
    """Whether a model has a field of this name."""
    from django.core.exceptions import FieldDoesNotExist

    try:
        model._meta.get_field(name)  # noqa: SLF001 - documented
    except FieldDoesNotExist:
        return False
    return True


def trouble(error: Exception) -> Message:
    """What a database error means for runtime changes, and what to do. Queries the database again."""
    from django.db import DatabaseError, connections

    from gateway.control.database import DatabaseBusy, alias

    said = str(error.__cause__ or error).strip().partition("\n")[0]
    try:
        tables = connections[alias()].introspection.table_names()
    except DatabaseError:
        return message(
            "the database can't be asked ({said}). The servers go on as they are; a route can be moved when the"
            " database is back, or by `stage` in the file and a restart",
            said=said,
        )
    if "gateway_control_routestate" not in tables:
        return message("the tables of gateway.control are missing: run `python manage.py migrate`")
    if isinstance(error, DatabaseBusy):
        return message("{error}. Nothing was done; try it again", error=str(error))
    return message("the database refused ({said}). After an upgrade, run `python manage.py migrate`", said=said)
