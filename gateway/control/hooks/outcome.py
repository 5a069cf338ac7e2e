"""The result of one call of a hook."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CallResult", "readable"]

MOST_WORDS = 300  # characters of an answer that are kept


@dataclass(frozen=True, slots=True)
class CallResult:
    """What came of a call: `problem` in words, "" if it succeeded; `status` is that of a webhook's answer. `reason`
    is why it refuses a promotion, None unless it does: then it has succeeded, too. `again` is in how many seconds a
    webhook wants to be called again, if it says so."""

    problem: str = ""
    status: int | None = None
    reason: str | None = None
    seconds: float = 0.0
    again: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the hook took the event, or answered."""
        return not self.problem


def readable(text: str) -> str:
    """The beginning of `text`, in one line, without control characters: it may be shown on a terminal."""
    line = " ".join(text.split())
    clean = "".join(letter for letter in line if letter.isprintable())
    return clean if len(clean) <= MOST_WORDS else f"{clean[: MOST_WORDS - 1]}…"
