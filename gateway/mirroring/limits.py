"""Which endpoints are currently not mirrored, and when mirrors wait."""

from __future__ import annotations

import logging

from gateway.mirroring.backpressure import Backpressure
from gateway.mirroring.copy import Copy
from gateway.mirroring.stalls import StallGuard

__all__ = ["MirrorLimits"]

logger = logging.getLogger("gateway.parity")

REFUSED = 600.0  # seconds for which an endpoint isn't mirrored after it used what a mirror must not have


class MirrorLimits:
    """What prevents mirrors: resources that they must not use, and load.

    `barred`: shared resources can't be shielded from mirrors, so none are made. `now` is `Clock.monotonic()`.
    """

    def __init__(self, backpressure: Backpressure, lag: float, *, barred: bool) -> None:
        self._backpressure = backpressure
        self._stall_guard: StallGuard | None = StallGuard(2 * lag)
        self._refused: dict[tuple[str, str], float] = {}  # endpoints, with the end of that time
        self._barred = barred

    def work_for_others(self) -> None:
        """From now on, mirrors are made for other processes: no caller waits here, so their delay doesn't matter."""
        self._stall_guard = None

    def unshielded(self, route: str, template: str, now: float) -> bool:
        """Whether this endpoint is not mirrored because it uses what a mirror must not have."""
        return self._barred or self._refused.get((route, template), now) > now

    def pressed(self, route: str, template: str, now: float) -> str | None:
        """Why this endpoint isn't mirrored now, in a word; None if it is."""
        if self._stall_guard is None:
            return None
        return "blocks" if self._stall_guard.spares(route, template, now) else self._backpressure.pressed(now)

    @property
    def busy(self) -> bool:
        """Whether requests wait for a thread. Then no mirror begins; if that lasts, it counts as pressure."""
        return self._backpressure.busy

    def quiet(self, now: float) -> bool:
        """Whether no request has arrived for a moment."""
        return self._backpressure.quiet(now)

    def look(self, now: float, late: float) -> None:
        """Note that something ran on the event loop `late` seconds after it was due."""
        self._backpressure.look(now, late)

    def note_stall(self, copy: Copy, seconds: float, now: float) -> None:
        """Note that the event loop ran nothing else for `seconds` during this mirror."""
        if self._stall_guard is not None:
            self._stall_guard.note(copy.policy.route, copy.match.template, seconds, now)

    def refuse(self, copy: Copy, refusal: str, now: float) -> None:
        """Don't mirror this endpoint for REFUSED seconds: it used what a mirror must not have, so it proves nothing."""
        endpoint = copy.policy.route, copy.match.template
        if self._refused.get(endpoint, now) > now:
            return  # another mirror ran at the same time
        self._refused[endpoint] = now + REFUSED
        logger.warning(
            "route %r, %s: not mirrored for %g min, as %s would use %s",
            copy.policy.route, copy.template, REFUSED / 60, copy.other, refusal,
        )  # fmt: skip
