"""The revision: a number that is incremented with every change, and that workers poll."""

from __future__ import annotations

from django.db.models import F, Max

from gateway.control.database import alias
from gateway.control.models import Change, Revision

__all__ = ["next_revision"]


def next_revision() -> int:
    """Increment the revision. That locks its row until the transaction ends, so that changes are serialised; SQLite
    takes its write lock before anything is read, when waiting for it still works."""
    rows = Revision.objects.using(alias())
    if not rows.filter(pk=Revision.ONLY).update(number=F("number") + 1):
        last = Change.objects.using(alias()).aggregate(last=Max("revision"))["last"] or 0  # if the row was lost
        rows.create(pk=Revision.ONLY, number=last + 1)
    return rows.get(pk=Revision.ONLY).number
