"""Which endpoints are not mirrored now, and when a mirror has to wait."""

from __future__ import annotations

import logging

from gateway.mirroring.backpressure import Backpressure
from gateway.mirroring.copy import Copy
from gateway.mirroring.stalls import StallGuard

__all__ = ["Limits"]

logger = logging.getLogger("gateway.parity")

REFUSED = 600.0  # seconds that an endpoint is not mirrored after it asked for what a mirror can't have


class Limits:
    """What keeps mirrors from being made: what they can't have, and what callers need themselves.

    `barred`: what callers share can't be kept from mirrors, so that none are made. `now` is `Clock.monotonic()`.
    """

    def __init__(self, backpressure: Backpressure, lag: float, *, barred: bool) -> None:
        self._backpressure = backpressure
        self._stall_guard: StallGuard | None = StallGuard(2 * lag)
        self._refused: dict[tuple[str, str], float] = {}  # endpoints, until when
        self._barred = barred

    def work_for_others(self) -> None:
        """From now on, mirrors are those of other processes: nobody here waits for one, however late it is."""
        self._stall_guard = None

    def unshielded(self, route: str, template: str, now: float) -> bool:
        """Whether this endpoint uses what a mirror can't have."""
        return self._barred or self._refused.get((route, template), now) > now

    def pressed(self, route: str, template: str, now: float) -> str | None:
        """Why no mirror of this endpoint is made now, in a word."""
        if self._stall_guard is None:
            return None
        return "blocks" if self._stall_guard.spares(route, template, now) else self._backpressure.pressed(now)

    @property
    def busy(self) -> bool:
        """Whether requests wait for a thread: while they do no mirror begins, as that is over soon or is pressure."""
        return self._backpressure.busy

    def quiet(self, now: float) -> bool:
        """Whether no request has come for a moment."""
        return self._backpressure.quiet(now)

    def look(self, now: float, late: float) -> None:
        """Something was to run on the event loop `late` seconds ago, and runs now."""
        self._backpressure.look(now, late)

    def note_stall(self, copy: Copy, seconds: float, now: float) -> None:
        """The event loop ran nothing else for so long while this mirror was made."""
        if self._stall_guard is not None:
            self._stall_guard.note(copy.policy.route, copy.match.template, seconds, now)

    def refuse(self, copy: Copy, refusal: str, now: float) -> None:
        """What this mirror answered proves nothing, since it could not have what it asked for. So would the next."""
        endpoint = copy.policy.route, copy.match.template
        if self._refused.get(endpoint, now) > now:
            return  # another one ran beside it
        self._refused[endpoint] = now + REFUSED
        logger.warning(
            "route %r, %s: not mirrored for %g min, as %s would use %s",
            copy.policy.route, copy.template, REFUSED / 60, copy.other, refusal,
        )  # fmt: skip
