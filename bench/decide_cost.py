"""Seconds per decision: `python -m bench.decide_cost` prints them by kind of route, as JSON."""

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

from gateway.clock import SYSTEM
from gateway.config import RouteConfig
from gateway.rollout.cohort import Caller
from gateway.rollout.decision import LEGACY, Choice, Circumstances, at_stage, decide
from gateway.rollout.health import Health
from gateway.rollout.plan import Site, declared_state, planned
from gateway.rollout.ticket import Signer, Ticket
from gateway.routing.facts import Facts
from gateway.routing.table import Match

CALLERS = 1_000
REPEATS = 31
SIGNER = Signer(["a secret of the benchmark"])
SITE = Site(SIGNER, cookie=b"gateway")
KINDS: dict[str, dict[str, Any]] = {
    "live": {"stage": "live"},
    "canary by user": {"stage": "canary", "weight": 50, "key": "user"},
    "canary by session": {"stage": "canary", "weight": 50, "key": "session"},
    "canary by client": {"stage": "canary", "weight": 50, "key": "client"},
    "canary by the gateway's cookie": {"stage": "canary", "weight": 50, "key": "header:X-Absent"},
}


def choice(keys: dict[str, Any]) -> Choice:
    """Return what a route with these keys decides by."""
    route = RouteConfig.model_validate({"name": "items", "prefix": "/items", "service": "service"} | keys)
    return at_stage(planned(route, declared_state(route), SITE))


def requests() -> Iterator[tuple[Facts, Caller]]:
    """Yield a request of each caller."""
    chance = random.Random(20)  # noqa: S311 - the same in every run, nothing secret
    for number in range(CALLERS):
        ticket = SIGNER.value(Ticket(f"{chance.randrange(16**32):032x}")).decode()
        cookies = f"csrftoken=abc; sessionid={chance.randrange(16**32):032x}; gateway={ticket}".encode()
        facts = Facts("GET", "/items/", "", {b"host": b"localhost", b"cookie": cookies})
        facts.client = f"10.0.{number // 256}.{number % 256}"
        yield facts, Caller(str(number))


def seconds_per_decision(made: Choice, asked: list[tuple[Facts, Caller]], around: Circumstances) -> float:
    """Return the median over repeats of CPU seconds per decision, the loop around it included."""
    match, choices = Match("items"), {"items": made}
    spent: list[float] = []
    for _ in range(REPEATS):
        started = time.process_time()
        for facts, caller in asked:
            decide(match, choices, facts, caller, around)
        spent.append((time.process_time() - started) / len(asked))
    return statistics.median(spent)


def main() -> None:
    """Print the costs."""
    around = Circumstances(SYSTEM, {"service": Health("service")}, random.random, lambda: "0" * 32, lambda _: True)
    asked = [*requests()]
    for kind, keys in KINDS.items():
        seen = {decide(Match("items"), {"items": choice(keys)}, *one, around).upstream for one in asked}
        if seen != ({"service"} if kind == "live" else {"service", LEGACY}):
            sys.exit(f"{kind}: all callers go to {seen}")
    json.dump({kind: seconds_per_decision(choice(keys), asked, around) for kind, keys in KINDS.items()}, sys.stdout)


if __name__ == "__main__":
    main()
