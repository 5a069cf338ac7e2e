"""What the packages that follow changes have to follow."""

from __future__ import annotations

import os
from typing import Any

from django.db import models

GROUP = os.environ.get("COMPATIBILITY_GROUP", "")


class Note(models.Model):
    """A row that a request writes."""

    text = models.CharField(max_length=50)

    class Meta:
        app_label = "site"

    def __str__(self) -> str:
        return self.text


if GROUP == "history":
    import reversion
    from simple_history.models import HistoricalRecords

    class Recorded(models.Model):
        """As a note, with its history."""

        text = models.CharField(max_length=50)
        history: Any = HistoricalRecords()

        class Meta:
            app_label = "site"

    reversion.register(Note)


if GROUP == "postgresql":
    import pghistory

    @pghistory.track(pghistory.InsertEvent())
    class Tracked(models.Model):
        """As a note, with an event for every row that is inserted."""

        text = models.CharField(max_length=50)

        class Meta:
            app_label = "site"
