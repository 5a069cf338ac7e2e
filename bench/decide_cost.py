"""Seconds per decision: `python -m bench.decide_cost` prints them by kind of route, as JSON."""

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

from gateway.clock import SYSTEM
from gateway.config.routes import RouteConfig
from gateway.rollout.affinity import AffinityCookie, Signer
from gateway.rollout.breaker import CircuitBreaker
from gateway.rollout.cohort import Caller
from gateway.rollout.decision import LEGACY, CompiledRoute, DecisionContext, compile_route, decide
from gateway.rollout.policy import AffinitySettings, compile_policy, declared_state
from gateway.routing.request import RequestInfo
from gateway.routing.table import Match

CALLERS = 1_000
REPEATS = 31
SIGNER = Signer(["a secret of the benchmark"])
SITE = AffinitySettings(SIGNER, cookie=b"gateway")
KINDS: dict[str, dict[str, Any]] = {
    "live": {"stage": "live"},
    "canary by user": {"stage": "canary", "weight": 50, "key": "user"},
    "canary by session": {"stage": "canary", "weight": 50, "key": "session"},
    "canary by client": {"stage": "canary", "weight": 50, "key": "client"},
    "canary by the gateway's cookie": {"stage": "canary", "weight": 50, "key": "header:X-Absent"},
}

Requests = list[tuple[RequestInfo, Caller]]


def compiled(keys: dict[str, Any]) -> CompiledRoute:
    """Return what a route with these keys decides by."""
    route = RouteConfig.model_validate({"name": "items", "prefix": "/items", "service": "service"} | keys)
    return compile_route(compile_policy(route, declared_state(route), SITE))


def requests() -> Iterator[tuple[RequestInfo, Caller]]:
    """Yield a request of each caller."""
    chance = random.Random(20)  # noqa: S311 - the same in every run, nothing secret
    for number in range(CALLERS):
        cookie = SIGNER.dump_cookie(AffinityCookie(f"{chance.randrange(16**32):032x}")).decode()
        cookies = f"csrftoken=abc; sessionid={chance.randrange(16**32):032x}; gateway={cookie}".encode()
        info = RequestInfo("GET", "/items/", "", {b"host": b"localhost", b"cookie": cookies})
        info.client = f"10.0.{number // 256}.{number % 256}"
        yield info, Caller(str(number))


def seconds_per_decision(made: CompiledRoute, asked: Requests, around: DecisionContext) -> float:
    """Return the median over repeats of CPU seconds per decision, the loop around it included."""
    match, routes = Match("items"), {"items": made}
    spent: list[float] = []
    for _ in range(REPEATS):
        started = time.process_time()
        for info, caller in asked:
            decide(match, routes, info, caller, around)
        spent.append((time.process_time() - started) / len(asked))
    return statistics.median(spent)


def main() -> None:
    """Print the costs."""
    around = DecisionContext(
        SYSTEM, {"service": CircuitBreaker("service")}, random.random, lambda: "0" * 32, lambda _: True
    )
    asked = [*requests()]
    for kind, keys in KINDS.items():
        seen = {decide(Match("items"), {"items": compiled(keys)}, *one, around).upstream for one in asked}
        if seen != ({"service"} if kind == "live" else {"service", LEGACY}):
            sys.exit(f"{kind}: all callers go to {seen}")
    json.dump({kind: seconds_per_decision(compiled(keys), asked, around) for kind, keys in KINDS.items()}, sys.stdout)


if __name__ == "__main__":
    main()
