"""Exit statuses and colours of commands. Imported in every worker, so it doesn't use Typer."""

from __future__ import annotations

import os
from typing import IO, Any

__all__ = ["REFUSED", "STAGE_STYLES", "STARTUP_FAILURE", "StartError", "in_colour"]

REFUSED = 1  # the requested transition was refused
STARTUP_FAILURE = 3  # as uvicorn's
STAGE_STYLES = {"legacy": "", "shadow": "cyan", "canary": "yellow", "live": "green", "retired": "dim"}


class StartError(Exception):
    """The server can't start for a reason other than its configuration. The message gives it, in one line."""


def in_colour(stream: IO[Any]) -> bool:
    """Whether to write colours to `stream`: a terminal whose user did not set NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
