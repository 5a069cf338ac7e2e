"""Whether this process uses a whole processor: then another thread would only contend for the interpreter lock."""

from __future__ import annotations

import time

__all__ = ["PATIENCE", "ProcessorLoad"]

PATIENCE = 0.005  # seconds over which the load is measured; then another thread is started anyway
BUSY = 0.9  # the share of one processor from which on the process counts as busy


class ProcessorLoad:
    """The processor time that this process has used over the last few milliseconds."""

    def __init__(self) -> None:
        self._since = time.perf_counter()  # noqa: TID251 - against processor time, which no other clock has
        self._used = time.process_time()
        self._high = False

    def high(self) -> bool:
        """Whether that is about one whole processor."""
        now = time.perf_counter()  # noqa: TID251 - as above
        if (elapsed := now - self._since) >= PATIENCE:
            used = time.process_time()
            self._high = used - self._used > BUSY * elapsed
            self._since, self._used = now, used
        return self._high
