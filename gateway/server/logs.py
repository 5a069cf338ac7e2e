"""Sets up logging for `gateway serve`."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import IO

from uvicorn.config import LOG_LEVELS
from uvicorn.logging import DefaultFormatter

from gateway.server.terminal import in_colour

__all__ = ["not_cancelled", "set_up_logging"]


def not_cancelled(record: logging.LogRecord) -> bool:
    """Drops the traceback that uvicorn logs for each request that is cancelled."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def set_up_logging(level: str | int | None, *, access: bool) -> None:
    """Log lines of uvicorn and the gateway in uvicorn's style, unless the project's LOGGING configures them."""
    number = LOG_LEVELS[level] if isinstance(level, str) else level or logging.INFO
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in ("uvicorn", "gateway") and isinstance(logger, logging.Logger):
            logger.disabled = False  # LOGGING disables existing loggers unless it says otherwise
    if not logging.getLogger("uvicorn").handlers:
        _to("uvicorn", sys.stderr, number)
    if not logging.getLogger("gateway").hasHandlers():
        _to("gateway", sys.stderr, number)
    log = logging.getLogger("gateway.access")
    if not access:
        log.disabled = True
    elif not log.handlers:
        _to("gateway.access", sys.stdout, number)


def _to(name: str, stream: IO[str], level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(DefaultFormatter("%(levelprefix)s %(message)s", use_colors=in_colour(stream)))
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
