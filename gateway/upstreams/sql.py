"""Notes what Django's connections execute, for comparing what two upstreams do in the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from gateway.parity.recording import recorder

__all__ = ["record_sql"]


def record_sql() -> None:
    """From now on, connections note what they execute where a `recorder` is set. Those that are open already don't."""
    connection_created.connect(_wrap, dispatch_uid="gateway.sql")


def _wrap(connection: BaseDatabaseWrapper, **_: object) -> None:
    # Not `execute_wrapper()`, which is for a block of code: this stays as long as the connection.
    if _note not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note)


def _note(execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any) -> Any:
    current = recorder.get()
    if current is not None:
        current.add(sql)
    return execute(sql, params, many, context)
