"""Documents about hooks: `gateway hooks`, `gateway hooks test`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.workbench.shapes.envelope import Count, Envelope, Moment, Shape

__all__ = ["Delivery", "HookStatus", "HookTestDocument", "HooksDocument"]


class Delivery(Shape):
    """The last attempt to tell a hook of an event."""

    event: str = Field(description="its ID")
    type: str = Field(description='such as "promote"')
    route: str | None = Field(description="null where it is of several")
    at: Moment
    attempts: Count
    status: int | None = Field(description="of a webhook's answer; null without one")
    problem: str | None = Field(description="null where it succeeded")


class HookStatus(Shape):
    """A hook, and what became of its events."""

    hook: str
    kind: Literal["webhook", "function"]
    to: str = Field(description="the function, or scheme and host of the URL")
    format: Literal["json", "slack"] | None = Field(description="null for a function")
    signed: bool
    events: list[str]
    routes: list[str]
    timeout_seconds: float
    waiting: Count
    due: Moment | None = Field(description="the next attempt; null where nothing waits")
    delivered: Count = Field(description="in the last 7 days")
    failed: Count = Field(description="given up in the last 30 days")
    last: Delivery | None


class HooksDocument(Envelope):
    """`gateway hooks`."""

    hooks: list[HookStatus]


class HookTestDocument(Envelope):
    """`gateway hooks test NAME`. It ends with status 1 unless the hook took the event."""

    hook: str
    event: str = Field(description="the ID of the event that was sent")
    delivered: bool
    status: int | None = Field(description="of a webhook's answer; null without one")
    problem: str | None = Field(description="null where it succeeded")
    took_seconds: float
