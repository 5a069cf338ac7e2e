"""What a case of a replay takes: `python -m bench.replay_cost` prints cases for each second of processor time, by kind.

One process of a replay plays cases on a copy of the demo's shop (SQLite), both sides and the comparison. Beside it
stands what the two views take alone: Django's test client asks legacy's, and the service's application is called as it
is, with the shop's middleware around it. No replay can be quicker than both together.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.workbench.corpus import Case, User
from gateway.workbench.replay.job import Setup, run, settings_of
from gateway.workbench.replay.result import BOTH, CaseResult, Outcome
from gateway.workbench.replay.task import Task

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "gateway.toml"
WARM_UP = 20
ENVIRONMENT = {"SECRET_KEY": "for the benchmark only", "LOG_LEVEL": "ERROR",
               "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend", "API_THROTTLE_WRITE": ""}  # fmt: skip
CUSTOMER = User("user")
JSON = (("content-type", "application/json"), ("accept", "application/json"))
LINES = [{"product": 5, "quantity": 1}, {"product": 6, "quantity": 2}]
ORDER = json.dumps({"lines": LINES, "address": "Street 1, Athens"}).encode()


@dataclass(frozen=True, slots=True)
class Kind:
    """Cases of one kind: `service` answers them, `case` is one."""

    name: str
    service: str
    case: Case
    safe: bool = True


KINDS = (
    Kind("product", "catalog", Case("/api/products/{product_id:int}/", "GET", "/api/products/5/", headers=JSON)),
    Kind("products", "catalog", Case("/api/products/", "GET", "/api/products/", headers=JSON)),
    Kind("cart", "cart", Case("/api/cart/", "GET", "/api/cart/", headers=JSON, user=CUSTOMER)),
    Kind("order", "orders", Case("/api/orders/", "POST", "/api/orders/", headers=JSON, body=ORDER, user=CUSTOMER),
         safe=False),
)  # fmt: skip


class Orders:
    """Stands for the pipe of a process of a replay: gives `cases` cases of one kind, and takes the time of all but the
    first."""

    def __init__(self, kind: Kind, cases: int) -> None:
        tasks = [Task(number, replace(kind.case, route=None)) for number in range(WARM_UP + cases)]
        self._lists = iter([tasks[:WARM_UP], tasks[WARM_UP:], None])
        self._marks: list[tuple[float, float]] = []
        self.results: list[CaseResult] = []

    def recv(self) -> list[Task] | None:
        """The next list of cases."""
        self._marks.append((time.process_time(), time.perf_counter()))
        return next(self._lists)

    def send(self, said: Any) -> None:
        """What comes of a case, or the releases of services."""
        if isinstance(said, str):
            raise SystemExit(said)
        if isinstance(said, CaseResult):
            self.results.append(said)

    @property
    def seconds(self) -> tuple[float, float]:
        """Of the processor and of the clock, for all cases but the first."""
        (_, _), (busy, at), (until_busy, until) = self._marks
        return until_busy - busy, until - at


def database(path: Path) -> dict[str, dict[str, Any]]:
    """What of DATABASES is other."""
    return {"default": {"NAME": str(path)}}


def load(path: Path) -> None:
    """Make the shop's database at `path`."""
    settings_of({"legacy": {"settings": "legacy.settings"}}, database(path))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("load_demo", verbosity=0, stdout=sys.stderr)
    from legacy.shop.models import Product

    Product.objects.update(stock=1_000_000)


def replayed(path: Path, kind: Kind, cases: int) -> dict[str, float]:
    """Seconds that a case takes, of the processor and of the clock."""
    orders = Orders(kind, cases)
    run(Setup(CONFIG, database(path), time.time(), BOTH, redacted=True), orders)  # type: ignore[arg-type] # as a pipe
    bad = [result for result in orders.results if result.outcome is not Outcome.EQUAL]
    if bad:
        raise SystemExit(f"{kind.name}: {bad[0].reason or bad[0].findings}")
    busy, passed = orders.seconds
    return {"busy": busy / cases, "passed": passed / cases}


# -- both views alone -----------------------------------------------------------------------------


def legacy_alone(path: Path, kind: Kind, cases: int) -> dict[str, float]:
    """Seconds of the processor for a request by Django's test client, in a transaction that is rolled back."""
    settings_of({"legacy": {"settings": "legacy.settings"}}, database(path))
    import logging

    import django

    django.setup()
    logging.disable(logging.CRITICAL)
    from django.contrib.auth import get_user_model
    from django.db import transaction
    from django.test import Client

    client = Client()
    if kind.case.user.kind != "anonymous":
        client.force_login(get_user_model().objects.get(username="ada"))

    def once() -> None:
        with transaction.atomic():
            answer = client.generic(kind.case.method, kind.case.path, kind.case.body, content_type="application/json")
            if answer.status_code not in (200, 201):
                raise SystemExit(f"{kind.name}: {answer.status_code} {answer.content!r}")
            transaction.set_rollback(True)

    return {"busy": _timed(once, cases)}


def service_alone(path: Path, kind: Kind, cases: int) -> dict[str, float]:
    """Seconds of the processor for a request to the service in this process, as it is asked for callers."""
    import asyncio
    import logging

    settings_of({"legacy": {"settings": "legacy.settings"}}, database(path))
    from gateway.app import Gateway
    from gateway.dispatch.scope import ATTEMPT
    from gateway.mirroring.asking import Attempted
    from gateway.workbench.replay.asker import Asker
    from gateway.workbench.replay.pins import Pins

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    gateway = Gateway.from_file(CONFIG)
    logging.disable(logging.CRITICAL)
    gateway.control = None
    loop.run_until_complete(gateway.startup())
    prepared = Asker(gateway, loop, Pins(time.time()), in_place=True).prepare(kind.case)
    entry = gateway.upstreams[kind.service].entry
    scopes = gateway.dispatcher.scope_factory
    statuses: list[int] = []

    async def ask() -> None:
        scope = scopes.for_mirror(prepared.scope, prepared.info, prepared.match, kind.service)
        scope[ATTEMPT] = Attempted()
        body = [{"type": "http.request", "body": prepared.body, "more_body": False}]

        async def receive() -> Any:
            return body.pop() if body else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 200))

        await entry(scope, receive, send)

    busy = _timed(lambda: loop.run_until_complete(ask()), cases)
    loop.run_until_complete(gateway.shutdown())
    if not set(statuses) <= {200, 201}:
        raise SystemExit(f"{kind.name}: {set(statuses)}")
    return {"busy": busy}


def _timed(once: Callable[[], None], cases: int) -> float:
    for _ in range(WARM_UP):
        once()
    begin = time.process_time()
    for _ in range(cases):
        once()
    return (time.process_time() - begin) / cases


# -- the command ----------------------------------------------------------------------------------

STEPS: dict[str, Callable[[Path, Kind, int], dict[str, float]]] = {
    "replay": replayed,
    "legacy": legacy_alone,
    "service": service_alone,
}


def measured(path: Path, kind: Kind, cases: int, rounds: int) -> dict[str, dict[str, float]]:
    """Each step in a process of its own, by turns; of each, the quickest round."""
    found: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        for step in STEPS:
            one = json.loads(_child(path, step, kind.name, str(cases)))
            found[step] = min(one, found.get(step, one), key=lambda seconds: seconds["busy"])
    return found


def _child(path: Path, *arguments: str) -> str:
    """What a step prints that works on a copy of its own: the service alone commits what it writes."""
    copy = path.with_name("copy.sqlite3")
    shutil.copyfile(path, copy)
    command = [sys.executable, "-m", "bench.replay_cost", "--database", str(copy), "--step", *arguments]
    try:
        return subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    finally:
        for left in path.parent.glob("copy.sqlite3*"):
            left.unlink()


def lines(path: Path, kinds: list[Kind], cases: int, rounds: int) -> Iterator[str]:
    """The table."""
    yield f"{'':10} {'cases/s':>8} {'ms':>7} {'legacy alone':>13} {'service alone':>14} {'ratio':>6} {'by clock/s':>11}"
    for kind in kinds:
        found = measured(path, kind, cases, rounds)
        busy, legacy, service = (found[step]["busy"] * 1000 for step in STEPS)
        clock = 1 / found["replay"]["passed"]
        yield (
            f"{kind.name:10} {1000 / busy:8.0f} {busy:7.2f} {legacy:13.2f} {service:14.2f} "
            f"{busy / (legacy + service):6.2f} {clock:11.0f}"
        )


def main() -> None:
    """Print the table, or one step as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.replay_cost")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[kind.name for kind in KINDS], default=None)
    parser.add_argument("--debug", action="store_true", help="with DEBUG = True, as the demo is on a laptop")
    parser.add_argument("--database", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        load(options.load)
        return
    if options.step:
        step, name, cases = options.step
        kind = next(kind for kind in KINDS if kind.name == name)
        print(json.dumps(STEPS[step](options.database, kind, int(cases))))
        return
    os.environ |= ENVIRONMENT | {"DJANGO_DEBUG": "on" if options.debug else "off"}
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        path = Path(folder) / "shop.sqlite3"
        command = [sys.executable, "-m", "bench.replay_cost", "--load", str(path)]
        subprocess.run(command, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
        kinds = [kind for kind in KINDS if options.only is None or kind.name in options.only]
        for line in lines(path, kinds, options.cases, options.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
