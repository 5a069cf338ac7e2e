"""Sends one request to both sides of its route, from the same state, and compares the responses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.app import Gateway
from gateway.clock import utc_now
from gateway.parity.answer import Answer
from gateway.parity.compare import Difference, compare, fingerprint
from gateway.rollout.stage import LEGACY_STAGE, LIVE
from gateway.testing.client import GatewayClient
from gateway.testing.one_side import answer_of, held_aliases, undone
from gateway.testing.routes import override_route

__all__ = ["Sides", "compare_sides"]


@dataclass(frozen=True, slots=True)
class Sides:
    """Both responses. `differences` are those that would prevent the route's promotion, in words."""

    legacy: Answer
    service: Answer
    differences: list[str]


def compare_sides(
    gateway: Gateway,
    method: str,
    target: str,
    *,
    route: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    user: Any = None,
) -> Sides:
    """Send a request to legacy and to the service of `route`, each from the same state: writes are rolled back. `user`
    is logged in. The route's `[routes.compare]` applies; noise of legacy's own is left out.

    Raises RuntimeError outside of a test's transaction, LookupError for an unknown route.
    """
    asked = _Asked(gateway, method, target, route, body, dict(headers or {}), user)
    legacy, service = asked.of(LEGACY_STAGE), asked.of(LIVE)
    rules = gateway.snapshot.routes[route].compare.compiled(utc_now().date())
    found = [one for one in compare(legacy, service, rules, body).differences if one.severity.blocks]
    if found:
        again = compare(legacy, asked.of(LEGACY_STAGE), rules, body)
        noise = {fingerprint(target, one).key for one in again.differences}
        found = [one for one in found if fingerprint(target, one).key not in noise]
    return Sides(legacy, service, [_said(target, one) for one in found])


def _said(target: str, difference: Difference) -> str:
    summary = fingerprint(target, difference).summary
    return f"{difference.severity.value}: {summary}: {difference.expected!s} → {difference.actual!s}"


@dataclass(frozen=True, slots=True)
class _Asked:
    gateway: Gateway
    method: str
    target: str
    route: str
    body: bytes
    headers: dict[str, str]
    user: Any

    def of(self, stage: str) -> Answer:
        """The response of the side that answers at this stage."""
        aliases = held_aliases()
        if not aliases:
            raise RuntimeError("both sides are asked in the test's transaction: it needs @pytest.mark.django_db")
        with override_route(self.route, stage, gateway=self.gateway), undone(aliases):
            client = GatewayClient(raise_request_exception=False)
            headers = {name.lower(): value for name, value in self.headers.items()}
            content_type = headers.pop("content-type", "application/octet-stream")
            headers.pop("host", None)  # that of the recording
            client.cookies.load(headers.pop("cookie", ""))
            if self.user is not None:
                client.force_login(self.user)
            return answer_of(client, self.method, self.target, self.body, content_type, headers)
