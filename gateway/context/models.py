"""The project's tables according to its models, for comparing the rows that are written."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.cache.backends.db import BaseDatabaseCache
from django.db.models import Model
from django.utils.module_loading import import_string

from gateway.parity.rows import TableInfo
from gateway.parity.tables import plain

__all__ = ["kept_elsewhere", "known_tables", "tables_of_row"]


@lru_cache(maxsize=1)
def known_tables() -> dict[str, TableInfo]:
    """The tables that have a model, by name."""
    models = [model for model in apps.get_models(include_auto_created=True) if not _meta(model).proxy]
    return {_name(model): _table(model) for model in models}


@lru_cache(maxsize=1)
def kept_elsewhere() -> frozenset[str]:
    """The tables of sessions and caches, for which mirrors have substitutes (gateway.shield)."""
    tables = {plain(cache.get("LOCATION", "")) for cache in settings.CACHES.values() if _has_table(cache["BACKEND"])}
    with suppress(ImportError):
        store: Any = getattr(import_module(settings.SESSION_ENGINE), "SessionStore", None)
        if hasattr(store, "get_model_class"):  # session stores with a table
            tables.add(_name(store.get_model_class()))
    return frozenset(tables)


def tables_of_row(model: type[Model]) -> list[str]:
    """The tables in which an object of this model has a row: with inheritance several, with the same key."""
    return [_name(one) for one in (model, *_meta(model).get_parent_list())]


def _has_table(cache: str) -> bool:
    with suppress(ImportError):
        return issubclass(import_string(cache), BaseDatabaseCache)
    return False


def _table(model: type[Model]) -> TableInfo:
    fields = [field for field in _meta(model).local_concrete_fields if not getattr(field, "generated", False)]
    references = {
        field.column: _name(field.related_model)
        for field in fields
        if field.related_model is not None and field.target_field.primary_key
    }
    key = _meta(model).pk.column or ""  # a composite key has no column itself
    return TableInfo(key, sum(field.column != key for field in fields), references)


def _name(model: type[Model]) -> str:
    name: str = plain(_meta(model).db_table)
    return name


def _meta(model: type[Model]) -> Any:
    return model._meta  # noqa: SLF001 - Django documents it, name and all
