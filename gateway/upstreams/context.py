"""What belongs to a request (its language, time zone, URLconf, tenant) on its way between threads."""

from __future__ import annotations

import contextvars

from asgiref import sync

__all__ = ["adopt"]


def adopt(context: contextvars.Context) -> None:
    """Set here what `context`, which comes from another thread, has set: context variables and `asgiref.Local`s.

    A `Local` is only visible on the thread that it was last set on, and asgiref, which moves them between
    threads as we do, has no public name for that.
    """
    sync._restore_context(context)  # noqa: SLF001
