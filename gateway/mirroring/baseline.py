"""How legacy's responses differ from each other, as far as this process knows: such noise doesn't count against
parity."""

from __future__ import annotations

from gateway.parity.compare import Comparison, Severity, fingerprint
from gateway.parity.noise import is_noise

__all__ = ["FIRST", "Baseline"]

FIRST = 20  # controls of a route before its noise is taken to be known
MOST = 1000  # fingerprints kept for a route


class Baseline:
    """Counts comparisons and controls of one route, by fingerprint. Used on the event loop."""

    def __init__(self) -> None:
        self._compared: dict[str, int] = {}
        self._noisy: dict[str, int] = {}
        self._comparisons = 0
        self.made = 0

    def add_control(self, template: str, comparison: Comparison) -> None:
        """Count a comparison of two responses of legacy to the same request."""
        self.made += 1
        _count(self._noisy, template, comparison)

    def add(self, template: str, comparison: Comparison) -> Severity | None:
        """Count a comparison with the service. Returns the worst severity of differences that aren't noise, or None."""
        self._comparisons += 1
        _count(self._compared, template, comparison)
        real = [one for one in comparison.differences if not self._is_noise(fingerprint(template, one).key)]
        return min((one.severity for one in real), key=lambda severity: severity.rank, default=None)

    def _is_noise(self, key: str) -> bool:
        """Diffy's rule. What never differs between legacy's own responses is no noise, however rare it is."""
        noisy = self._noisy.get(key, 0)
        return bool(noisy) and is_noise(self._compared.get(key, 0), self._comparisons, noisy, self.made)


def _count(counts: dict[str, int], template: str, comparison: Comparison) -> None:
    for key in {fingerprint(template, one).key for one in comparison.differences}:
        if key in counts or len(counts) < MOST:
            counts[key] = counts.get(key, 0) + 1
