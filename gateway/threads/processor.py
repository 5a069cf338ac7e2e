"""Whether this process keeps a processor busy: then one more thread would only contend for the interpreter lock."""

from __future__ import annotations

import time

__all__ = ["PATIENCE", "ProcessorLoad"]

PATIENCE = 0.005  # seconds over which the load is measured, and after which another thread helps in any case
BUSY = 0.9  # the share of one processor from which on the process counts as busy


class ProcessorLoad:
    """The processor time that this process has used over the last few milliseconds."""

    def __init__(self) -> None:
        self._since = time.perf_counter()  # noqa: TID251 - against processor time, which no other clock has
        self._used = time.process_time()
        self._high = False

    def high(self) -> bool:
        """Whether it used about as much as one processor has."""
        now = time.perf_counter()  # noqa: TID251 - as above
        if (elapsed := now - self._since) >= PATIENCE:
            used = time.process_time()
            self._high = used - self._used > BUSY * elapsed
            self._since, self._used = now, used
        return self._high
