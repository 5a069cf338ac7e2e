"""Which differences legacy's responses have from each other.

For a sample of requests legacy is called twice, and its two responses are compared by the same rules. What differs
there (a timestamp, a random order) is noise, and not the service's fault. The rule and its two thresholds are those of
Twitter's Diffy (`DifferencesFilterFactory`, `threshold.relative` 20 and `threshold.absolute` 0.03 percent,
https://github.com/opendiffy/diffy): a field is reported iff it differs more often than it is noisy, by more than 20 %
of both together, and by more than 0.03 % of all requests. Diffy calls its third instance for every request and so
compares counts; here controls are a sample, so rates are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.wording import Message, message

__all__ = ["MINIMUM_ABSOLUTE", "MINIMUM_RELATIVE", "Noise", "is_noise", "judge"]

MINIMUM_RELATIVE = 0.20
MINIMUM_ABSOLUTE = 0.0003


@dataclass(frozen=True, slots=True)
class Noise:
    """The verdict on one fingerprint, and the reason in words."""

    noise: bool
    explanation: str


def is_noise(raw: int, total: int, noise: int, controls: int) -> bool:
    """Whether a difference in `raw` of `total` comparisons is noise, when `noise` of `controls` comparisons of legacy
    with itself had it too. Without controls, only differences rarer than 0.03 % are noise. Raises ValueError for
    impossible counts: negative, or more than comparisons."""
    return judge(raw, total, noise, controls).noise


def judge(raw: int, total: int, noise: int, controls: int) -> Noise:
    """As `is_noise`, with the reason. Raises ValueError as well."""
    if not 0 <= raw <= total or not 0 <= noise <= controls:
        raise ValueError(f"counts that can't be: {raw} of {total} comparisons, {noise} of {controls} controls")
    if raw == 0:
        return Noise(True, message("never seen"))
    often, noisy = raw / total, noise / controls if controls else 0.0
    noise_too, verdict = _verdict(often, noisy)
    seen = _share(raw, total)
    if not controls:
        return Noise(noise_too, message("in {seen}; no control yet: {verdict}", seen=seen, verdict=verdict))
    control = _share(noise, controls)
    said = message(
        "in {seen}; of legacy with itself in {control}: {verdict}", seen=seen, control=control, verdict=verdict
    )
    return Noise(noise_too, said)


def _verdict(often: float, noisy: float) -> tuple[bool, Message]:
    if often <= noisy:
        return True, message("not more often")
    if (often - noisy) / (often + noisy) <= MINIMUM_RELATIVE:
        return True, message("hardly more often")
    if often - noisy <= MINIMUM_ABSOLUTE:
        return True, message("too rarely to tell")
    return False, message("more often")


def _share(part: int, whole: int) -> Message:
    return message("{part:,} of {whole:,} ({share:.1%})", part=part, whole=whole, share=part / whole)
