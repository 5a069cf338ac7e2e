"""Substitutes for rows, so that no database is needed."""

from __future__ import annotations

from typing import Any, Self

__all__ = ["NoRows", "key_of"]

KEY = "_gateway_key"  # attribute of a substitute row: the key by which it was requested
LARGEST = 2**31 - 1  # larger keys, and those below 1, don't exist


class NoRows:
    """Replaces a queryset of `model`: every row with a key of the right type exists, without a query."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def all(self) -> Self:
        """The queryset itself."""
        return self

    def get(self, **lookup: Any) -> Any:
        """A row with this value. Raises what Django raises for another type, and the model's DoesNotExist."""
        ((name, value),) = lookup.items()
        if self.model is None:
            return value
        meta = self.model._meta  # noqa: SLF001 - documented
        field = meta.pk if name == "pk" else meta.get_field(name.partition("__")[0])
        wanted = field.get_prep_value(value)
        if isinstance(wanted, int) and not isinstance(wanted, bool) and not 0 < wanted <= LARGEST:
            raise self.model.DoesNotExist
        row = self.model(**{field.attname: wanted})
        setattr(row, KEY, wanted)
        return row


def key_of(value: Any) -> Any:
    """The key by which a row was requested; any other value unchanged."""
    return getattr(value, KEY, value)
