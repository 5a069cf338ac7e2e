"""Logs that the process for mirrors is away."""

from __future__ import annotations

import logging

from gateway.clock import Clock

__all__ = ["Absence"]

logger = logging.getLogger("gateway.parity")


class Absence:
    """Logs each reason once. For `patience` seconds, while the process may still be starting, it logs nothing."""

    __slots__ = ("_clock", "_expected_until", "_told")

    def __init__(self, clock: Clock, patience: float) -> None:
        self._clock = clock
        self._expected_until = clock.monotonic() + patience
        self._told = ""  # the last reason

    def is_expected(self) -> bool:
        """Whether the process may still be starting."""
        return self._clock.monotonic() < self._expected_until

    def tell(self, why: str) -> None:
        """Log that it is away, for this reason."""
        if why != self._told and not self.is_expected():
            self._told = why
            logger.warning('no mirrors until "gateway mirrors" runs: %s', why)

    def end(self, path: str) -> None:
        """Log that it is there, at `path`."""
        self._expected_until = 0.0
        self._told = ""
        logger.info("mirrors are made by the process at %s", path)
