"""A copy of one request and its response, kept while the caller is answered, and mirrored after that."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Scope

from gateway.mirroring.kept import Kept
from gateway.rollout.decision import LEGACY
from gateway.rollout.policy import RoutePolicy
from gateway.routing.request import RequestInfo
from gateway.routing.table import Match

__all__ = ["Copy"]


class Copy(Kept):
    """One request to be mirrored, and the response that its caller got.

    `done` is called when it was mirrored or dropped.
    """

    __slots__ = ("done", "match", "policy")

    def __init__(
        self, upstream: str, policy: RoutePolicy, match: Match, info: RequestInfo, scope: Scope, since: float
    ) -> None:
        super().__init__(upstream, info, scope, since, policy.mirror.max_body)
        self.policy = policy
        self.match = match
        self.done: Callable[[], None] | None = None

    @property
    def other(self) -> str:
        """The upstream to which the mirror is sent."""
        return self.policy.service if self.upstream == LEGACY else LEGACY

    @property
    def template(self) -> str:
        """The label by which differences are grouped: "GET /api/products/{id}/"."""
        return f"{self.info.method} {self.match.template}"
