"""Moments in the database: microseconds since 1970, which mean the same under every USE_TZ and TIME_ZONE.

Django's own DateTimeField has naive local times under USE_TZ = False. Twice a year an hour of those is missing or there
twice, and a guard that looks an hour into the future sees no traffic.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models

__all__ = ["NEVER", "MomentField"]

EPOCH = NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # NEVER stands in a column for what has not happened yet
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
        """Of a number from a fixture."""
        return value if value is None or isinstance(value, datetime) else self.from_db_value(int(value))

    def from_db_value(self, value: int | None, *_: Any) -> datetime | None:
        """As the project sees it."""
        return None if value is None else EPOCH + value * MICROSECOND

    def get_prep_value(self, value: Any) -> Any:
        """As the database sees it."""
        return (value - EPOCH) // MICROSECOND if isinstance(value, datetime) else value

    def value_to_string(self, obj: models.Model) -> str:
        """For a fixture."""
        return str(self.get_prep_value(self.value_from_object(obj)))
