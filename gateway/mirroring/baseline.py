"""What this process has learned of how legacy differs from itself: noise does not count against parity."""

from __future__ import annotations

from gateway.parity.compare import Comparison, Severity, fingerprint
from gateway.parity.noise import is_noise

__all__ = ["FIRST", "Baseline"]

FIRST = 20  # controls of a route, so that noise is known before anything is judged by it
MOST = 1000  # fingerprints of a route that are known


class Baseline:
    """Counts comparisons and controls of one route, by fingerprint. Used on the event loop."""

    def __init__(self) -> None:
        self._compared: dict[str, int] = {}
        self._noisy: dict[str, int] = {}
        self._comparisons = 0
        self.made = 0

    def add_control(self, template: str, comparison: Comparison) -> None:
        """Legacy was asked twice, and its answers compared."""
        self.made += 1
        _count(self._noisy, template, comparison)

    def add(self, template: str, comparison: Comparison) -> Severity | None:
        """The service was compared. The worst of the differences that are no noise; None when there are none."""
        self._comparisons += 1
        _count(self._compared, template, comparison)
        real = [one for one in comparison.differences if not self._is_noise(fingerprint(template, one).key)]
        return min((one.severity for one in real), key=lambda severity: severity.rank, default=None)

    def _is_noise(self, key: str) -> bool:
        """By Diffy's rule; what legacy never does by itself is none, however rare it is."""
        noisy = self._noisy.get(key, 0)
        return bool(noisy) and is_noise(self._compared.get(key, 0), self._comparisons, noisy, self.made)


def _count(counts: dict[str, int], template: str, comparison: Comparison) -> None:
    for key in {fingerprint(template, one).key for one in comparison.differences}:
        if key in counts or len(counts) < MOST:
            counts[key] = counts.get(key, 0) + 1
