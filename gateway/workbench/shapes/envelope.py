"""The envelope of every document, and parts that several have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from gateway.rollout.stage import CANARY, State

__all__ = [
    "Count",
    "Envelope",
    "ErrorDocument",
    "Failure",
    "Moment",
    "Percent",
    "Problem",
    "Refusal",
    "Shape",
    "Stage",
    "Use",
    "moment",
    "stage",
]


def moment(at: datetime) -> str:
    """A timestamp in JSON: ISO 8601 in UTC, to the millisecond, with its offset."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


Moment: TypeAlias = Annotated[AwareDatetime, PlainSerializer(moment)]
Percent: TypeAlias = Annotated[float, Field(ge=0, le=100)]
Count: TypeAlias = Annotated[int, Field(ge=0)]


class Shape(BaseModel):
    """A part of a document: every key is present, null where it doesn't apply."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Stage(Shape):
    """The state of a route."""

    stage: Literal["legacy", "shadow", "canary", "live", "retired"]
    weight_percent: Percent | None = Field(description="percentage of callers in canary; null at other stages")
    paused: bool


def stage(state: State) -> dict[str, Any]:
    """A `Stage`; the weight only has a meaning in canary."""
    weight = state.weight if state.stage == CANARY else None
    return {"stage": state.stage, "weight_percent": weight, "paused": state.paused}


class Problem(Shape):
    """One problem of the configuration."""

    key: str
    value: Any = Field(description="the value in the file; null if missing")
    expected: str


class Use(Shape):
    """A place in the project's source."""

    file: str = Field(description="relative to the folder of gateway.toml")
    line: Count
    why: str


class Refusal(Shape):
    """Why a hook prevents a promotion."""

    hook: str
    reason: str
    failed: bool = Field(description="whether it did not answer, rather than refuse")


class Failure(Shape):
    """Why a command failed. It exits with the same status as without `--json`."""

    code: Literal[
        "usage", "corpus", "illegal_move", "conflict", "unproved", "refused", "no_such_difference", "no_such_endpoint",
        "no_such_recording", "unreadable", "configuration", "control_missing", "database", "replay", "start",
        "in_use",
        "not_scaffolded",
    ] = Field(description="identifies the kind of error")  # fmt: skip
    message: str = Field(description="the message that is printed without `--json`")
    hint: str | None = Field(None, description="what to do, if known")
    problems: list[Problem] | None = Field(None, description="with `configuration`: all problems")
    route: str | None = Field(None, description="of `unproved`, `refused`, `illegal_move`, `conflict` and `in_use`")
    to: Stage | None = Field(None, description="of `unproved` and `refused`: where it was to go")
    missing: list[str] | None = Field(None, description="with `unproved`: the missing evidence, in words")
    refusals: list[Refusal] | None = Field(None, description="of `refused`: every one")
    uses: list[Use] | None = Field(None, description="with `in_use`: what must be changed by hand first")


class Envelope(Shape):
    """The keys of every document."""

    # Of all shapes: incremented when a key is removed or changes its meaning, not when one is added.
    version: Literal[1] = 1
    command: str = Field(description='such as "status", or "diffs resolve"')
    at: Moment = Field(description="time of the command")


class ErrorDocument(Envelope):
    """Printed instead of any document."""

    error: Failure
