"""Rows that nobody has to look for."""

from __future__ import annotations

from typing import Any, Self

__all__ = ["NoRows", "key_of"]

KEY = "_gateway_key"  # on a row that stands for one: what it was asked for by
LARGEST = 2**31 - 1  # what is larger, or not positive, is not there


class NoRows:
    """Stands for a queryset of `model`: whatever is asked for by a value of the right type is there, and no query."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def all(self) -> Self:
        """Itself."""
        return self

    def get(self, **lookup: Any) -> Any:
        """A row with this value. Raises what Django does for one of another type, and the model's DoesNotExist."""
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
    """What a row was asked for by; any other value as it is."""
    return getattr(value, KEY, value)
