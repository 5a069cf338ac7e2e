"""Timestamps in the database: microseconds since 1970, independent of USE_TZ and TIME_ZONE.

Django's own DateTimeField stores naive local times with USE_TZ = False. Twice a year an hour of those is missing or
repeated, and a guard whose window lies an hour in the future sees no traffic.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models

__all__ = ["NEVER", "MomentField"]

EPOCH = NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # NEVER is stored for what has not happened yet
MICROSECOND = timedelta(microseconds=1)

if TYPE_CHECKING:
    Field = models.Field[datetime, datetime]
else:
    Field = models.Field


class MomentField(Field):
    """An aware datetime, in UTC when it is read."""

    def get_internal_type(self) -> str:
        """The column is a BigIntegerField's."""
        return "BigIntegerField"

    def to_python(self, value: Any) -> Any:
        """Converts what fixtures have: numbers in XML, and ISO 8601 in JSON. Raises ValueError for anything else."""
        if value is None or isinstance(value, datetime):
            return value
        try:
            return self.from_db_value(int(value))
        except ValueError:
            return datetime.fromisoformat(value)

    def from_db_value(self, value: int | None, *_: Any) -> datetime | None:
        """The datetime, in UTC."""
        return None if value is None else EPOCH + value * MICROSECOND

    def get_prep_value(self, value: Any) -> Any:
        """The number to store."""
        return (value - EPOCH) // MICROSECOND if isinstance(value, datetime) else value

    def value_to_string(self, obj: models.Model) -> str:
        """The number, for a fixture."""
        return str(self.get_prep_value(self.value_from_object(obj)))
