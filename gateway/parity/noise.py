"""Which differences legacy has from itself."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MINIMUM_ABSOLUTE", "MINIMUM_RELATIVE", "Noise", "is_noise", "judge"]

MINIMUM_RELATIVE = 0.20
MINIMUM_ABSOLUTE = 0.0003


@dataclass(frozen=True, slots=True)
class Noise:
    """The verdict on one fingerprint, and why in words."""

    noise: bool
    explanation: str


def is_noise(raw: int, total: int, noise: int, controls: int) -> bool:
    """Whether a difference that `raw` of `total` comparisons had is noise, since `noise` of `controls` comparisons of
    legacy with itself had it too."""
    return judge(raw, total, noise, controls).noise


def judge(raw: int, total: int, noise: int, controls: int) -> Noise:
    """As `is_noise`, with the reason."""
    raise NotImplementedError
