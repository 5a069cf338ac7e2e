"""`[routes.guard]`: the conditions under which a route is rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Guard", "GuardConfig"]


@dataclass(frozen=True, slots=True)
class Guard:
    """The conditions under which a route is rolled back automatically."""

    window: float = 60.0  # seconds
    minimum: int = 50  # requests on each side
    error_delta: float = 0.01  # the service's error rate minus legacy's, as a share
    p95_delta: float | None = 0.5  # the service's p95 above legacy's, as a share of legacy's; None: unlimited
    p95_floor: float = 0.02  # seconds; a p95 up to this is never too slow
    parity: float = 99.0  # percent of compared responses without a breaking difference

    def counts_from(self, now: float, since: float) -> float:
        """The time from which requests count: the last `window` seconds, but not before the last change, at `since`."""
        return max(now - self.window, since)


DEFAULT = Guard()


class GuardConfig(BaseModel):
    """When a route fails. Its defaults are `Guard`'s."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    window: float = Field(DEFAULT.window, ge=10, le=86400, description="seconds that are judged together, 10 to 86400")
    minimum: int = Field(DEFAULT.minimum, ge=1, description="requests on each side before a route can be healthy")
    error_delta: float = Field(
        DEFAULT.error_delta,
        ge=0,
        le=1,
        description="how much higher than legacy's the error rate may be: 0.01 is a point",
    )
    p95_delta: Annotated[float, Field(ge=0)] | Literal[False] = Field(
        0.5,
        union_mode="left_to_right",  # 0 equals False, but must be read as a number
        description="how much slower than legacy the 95th percentile may be: 0.5 is half as slow again; or false",
    )
    p95_floor: float = Field(
        DEFAULT.p95_floor, ge=0, description="seconds; a 95th percentile up to here is never too slow"
    )
    parity: float = Field(
        DEFAULT.parity, ge=0, le=100, description="percent of compared answers without a breaking difference, 0 to 100"
    )

    def guard(self) -> Guard:
        """The form that `judge` uses."""
        p95_delta = None if self.p95_delta is False else self.p95_delta
        return Guard(self.window, self.minimum, self.error_delta, p95_delta, self.p95_floor, self.parity)
