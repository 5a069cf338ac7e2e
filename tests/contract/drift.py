"""What differs between a table as SQLAlchemy declares it and the Django model whose table it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.backends.postgresql.base import DatabaseWrapper
from sqlalchemy import CheckConstraint, Column, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

__all__ = ["differences"]

# Types are compared as PostgreSQL would be told them: unlike SQLite, it knows how wide a column is. Asks no server.
CONNECTION = DatabaseWrapper({"NAME": "none", "ENGINE": "django.db.backends.postgresql"}, "drift")
DIALECT = postgresql.dialect()


def differences(table: Table, model: type[models.Model]) -> list[str]:
    """In words; nothing when there are none. Of a table with `info["part"]` only the declared columns count."""
    fields = {field.column: field for field in model._meta.local_concrete_fields}
    part = bool(table.info.get("part"))
    found = [] if table.name == model._meta.db_table else [f"table: {table.name}, in Django {model._meta.db_table}"]
    found += [f"{name}: not in Django" for name in table.columns.keys() - fields.keys()]
    found += [f"{name}: only in Django" for name in fields.keys() - table.columns.keys() if not part]
    for name in sorted(table.columns.keys() & fields.keys()):
        found += _of_column(table.columns[name], fields[name], part=part)
    found += _of_sets("unique", _unique(table), set(_unique_in_django(model, table)))
    if not part:
        found += _of_sets("check", _checks(table), _checks_in_django(model))
    return found


def _of_column(column: Column[Any], field: models.Field[Any, Any], *, part: bool) -> Iterator[str]:
    pairs = {
        "type": (column.type.compile(DIALECT).lower(), field.db_type(CONNECTION)),
        "null": (column.nullable, field.null),
        "primary key": (column.primary_key, field.primary_key),
    }
    if not part:
        pairs["refers to"] = (_target(column), _target_in_django(field))
    for what, (here, there) in pairs.items():
        if here != there:
            yield f"{column.name}: {what} {here}, in Django {there}"


def _target(column: Column[Any]) -> str | None:
    return next((key.target_fullname for key in column.foreign_keys), None)


def _target_in_django(field: models.Field[Any, Any]) -> str | None:
    if not isinstance(field, models.ForeignKey):
        return None
    return f"{field.related_model._meta.db_table}.{field.target_field.column}"


def _unique(table: Table) -> set[frozenset[str]]:
    constraints = (item for item in table.constraints if isinstance(item, UniqueConstraint))
    return {frozenset(column.name for column in constraint.columns) for constraint in constraints}


def _unique_in_django(model: type[models.Model], table: Table) -> Iterator[frozenset[str]]:
    """Of a part, those between columns that it has."""
    meta = model._meta
    together = [*map(tuple, meta.unique_together)]
    together += [(field.name,) for field in meta.local_concrete_fields if field.unique and not field.primary_key]
    together += [
        tuple(c.fields) for c in meta.constraints if isinstance(c, models.UniqueConstraint) and not c.condition
    ]
    for names in together:
        columns = frozenset(meta.get_field(name).column for name in names)
        if not table.info.get("part") or columns <= set(table.columns.keys()):
            yield columns


def _checks(table: Table) -> set[str]:
    return {str(item.name) for item in table.constraints if isinstance(item, CheckConstraint)}


def _checks_in_django(model: type[models.Model]) -> set[str]:
    return {item.name for item in model._meta.constraints if isinstance(item, models.CheckConstraint)}


def _of_sets(what: str, here: set[Any], there: set[Any]) -> Iterator[str]:
    for item in here ^ there:
        name = item if isinstance(item, str) else ", ".join(sorted(item))
        yield f"{what} ({name}): {'not' if item in here else 'only'} in Django"
