"""What the pages of the admin take: `python -m bench.overview_cost` prints processor time and queries for 300 routes.

30 days of counts of 600 endpoints, and of one worker a minute of counter windows of every route, and two hours of those
of ten, in SQLite. What is measured is the thread's processor time, the median of some repetitions: a whole request of
Django's test client, from the session to the last byte. `--steps` counts interpreter steps instead, which depend on no
machine; `--profile` says where they go.

Open pages poll: the overview every ten seconds, a route's page every five. The share is of one processor.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import os
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any
from unittest import mock

ROUTES, DAYS, WINDOWS = 300, 30, 6
OPENED, OPENED_WINDOWS = 10, 720  # routes whose pages are open, and two hours of their windows
REPETITIONS = 9
PERIOD = 300.0  # seconds
# Open pages, and the seconds between two looks of each.
OPEN = {
    "ten open pages of the overview": {"news/": 1.0},
    "five of the overview, and five of routes": {"news/": 2.0} | {f"r{n}/change/news/": 5.0 for n in range(5)},
    "ten of as many routes": {f"r{n}/change/news/": 5.0 for n in range(10)},
}
SECTION = "/admin/gateway_control/route/"


def prepare(folder: Path) -> Any:
    """A client of a superuser, of a project whose database and gateway.toml are in `folder`."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "legacy.settings", "GATEWAY_CONFIG": str(folder / "gateway.toml")}
    from legacy import settings as shop

    shop.DATABASES["default"]["NAME"] = folder / "db.sqlite3"
    import django
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0)
    from django.contrib.auth import get_user_model
    from django.test import Client

    (folder / "gateway.toml").write_text(_toml())
    _store_history()
    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.create_superuser("root", "root@example.com", "root"))
    return client


def _toml() -> str:
    route = '[[routes]]\nname = "r{0}"\nprefix = "/r{0}"\nservice = "items"\nstage = "canary"\nweight = 5.0\n'
    tables = "".join(route.format(number) for number in range(ROUTES))
    return f'[legacy]\nsettings = "legacy.settings"\n[services.items]\napp = "bench.service:app"\n{tables}'


def _store_history() -> None:
    """What stays: days, hours, changes."""
    from gateway.control.models import Change, EndpointDay, Hour

    now = datetime.now(UTC)
    today = int(now.timestamp()) // 86400 * 86400
    day = {"worker": "", "method": "GET", "requests": 100, "seen": now}
    EndpointDay.objects.bulk_create(
        EndpointDay(day=today - days * 86400, key=f"{number}{side}", upstream=side, label=f"/r{number}", **day)
        for days in range(DAYS)
        for number in range(ROUTES)
        for side in ("legacy", "items")
    )
    Hour.objects.bulk_create(
        Hour(route=f"r{number}", side=side, start=today - hours * 3600, requests=9, histogram={"30": 9}, fallbacks=1)
        for number in range(ROUTES)
        for hours in range(0, 24 * DAYS, 6)
        for side in ("legacy", "service")
    )
    states = {"from_stage": "legacy", "to_stage": "canary", "to_weight": 5.0, "from_weight": 0.0}
    states |= {"from_paused": False, "to_paused": False}
    Change.objects.bulk_create(
        Change(at=now - timedelta(days=number % DAYS), who="ana", verb="promote", route=f"r{number % ROUTES}",
               revision=number + 1, **states)
        for number in range(5 * ROUTES)
    )  # fmt: skip


def store_minute() -> None:
    """What is judged: a worker, and counter windows of both sides and of mirrors, up to now."""
    from gateway.control.models import CounterWindow, DifferenceGroup, MirrorWindow, Worker

    now = datetime.now(UTC)
    end = int(now.timestamp()) // 10 * 10
    for model in (Worker, CounterWindow, MirrorWindow, DifferenceGroup):
        model.objects.all().delete()
    Worker.objects.create(
        id="a", host="web1", pid=7, started=now - timedelta(hours=1), seen=now, releases={"items": "r1"}
    )
    histogram = {str(place): 4 for place in range(25, 40)}
    counts = {"worker": "a", "release": "r1", "requests": 60, "errors": 1, "histogram": histogram}
    callers = {"callers": list(range(20)), "failing": [1]}
    CounterWindow.objects.bulk_create(
        CounterWindow(route=f"r{number}", side=side, start=end - 10 * ago, fallbacks=0, **counts, **callers)
        for number in range(ROUTES)
        for side in ("legacy", "service")
        for ago in range(OPENED_WINDOWS if number < OPENED else WINDOWS)
    )
    compared = {"mirrored": 6, "equal": 6, "different": 0, "critical": 0, "warned": 0, "controls": 0, "errors": 0}
    MirrorWindow.objects.bulk_create(
        MirrorWindow(worker="a", release="r1", route=f"r{number}", start=end - 10 * ago, **compared)
        for number in range(ROUTES)
        for ago in range(WINDOWS)
    )
    DifferenceGroup.objects.bulk_create(
        DifferenceGroup(route=f"r{number}", template="GET /", release="r1", fingerprint=f"{number:032x}", kind="value",
                        pointer="/price", severity="warning", summary="price changed", count=3, first_seen=now,
                        last_seen=now)
        for number in range(0, ROUTES, 5)
    )  # fmt: skip


def forget() -> None:
    """No fragment of a page is kept."""
    from gateway.admin.pages import FRAGMENTS

    FRAGMENTS.clear()


# -- measuring -------------------------------------------------------------------------------------


def processor_time(work: Callable[[], object]) -> float:
    """Milliseconds of this thread's processor time."""
    begin = time.thread_time()
    work()
    return 1000 * (time.thread_time() - begin)


def steps(work: Callable[[], object]) -> float:
    """Thousands of interpreter steps."""
    taken = 0

    def step(frame: FrameType, event: str, _: object) -> Any:
        nonlocal taken
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        taken += event == "opcode"
        return step

    sys.settrace(step)
    try:
        work()
    finally:
        sys.settrace(None)
    return taken / 1000


def rows(client: Any, measure: Callable[[Callable[[], object]], float]) -> Iterator[tuple[str, float]]:
    """Each request, and what it takes."""
    repetitions = 1 if measure is steps else REPETITIONS

    def ask(path: str, **headers: str) -> Any:
        response = client.get(f"{SECTION}{path}", headers=headers)
        if response.status_code not in (200, 304):
            raise RuntimeError(f"{path}: {response.status_code}")
        return response

    def median(path: str, *, made: bool = True, **headers: str) -> float:
        found = []
        for _ in range(repetitions):
            if made:
                forget()
            found.append(measure(lambda: ask(path, **headers)))
        return statistics.median(found)

    for path in ("", "news/", "r1/change/", "r1/change/news/"):
        ask(path)
    yield "overview, the whole page", median("")
    yield "overview, its news, made", median("news/")
    yield "route, the whole page", median("r1/change/")
    yield "route, its news, made", median("r1/change/news/")
    etag = ask("news/")["ETag"]
    yield "304", median("news/", made=False, **{"If-None-Match": etag})


def queries(client: Any) -> int:
    """How many queries a first overview makes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from gateway.admin.history_cache import HISTORY

    forget()
    HISTORY.clear()
    with CaptureQueriesContext(connection) as asked:
        client.get(SECTION)
    return len(asked)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", action="store_true", help="interpreter steps instead of processor time")
    parser.add_argument("--profile", action="store_true", help="where the time of an overview goes")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        client = prepare(Path(folder))
        store_minute()
        print(f"{ROUTES} routes, {DAYS} days: {queries(client)} queries")
        if chosen.profile:
            forget()
            with cProfile.Profile(time.thread_time) as profile:
                client.get(SECTION)
            pstats.Stats(profile).sort_stats("tottime").print_stats(40)
            return
        unit = "1,000 steps" if chosen.steps else "ms"
        for name, taken in rows(client, steps if chosen.steps else processor_time):
            print(f"{name:<30}{taken:10.1f} {unit}")
        if not chosen.steps:
            for name, pages in OPEN.items():
                print(f"{name:<44}{polling(client, pages):6.2f} % of a processor")


def polling(client: Any, pages: Mapping[str, float]) -> float:
    """The share of a processor, in percent, that these open pages take in PERIOD seconds.

    The clock of the pages is set, and every request is made: what it takes is measured.
    """
    from gateway.admin import polling as module

    now, spent = time.monotonic() + 3600, 0.0
    etags: dict[str, str] = {}
    due = {page: now + number / len(pages) for number, page in enumerate(pages)}
    end = now + PERIOD
    forget()
    with mock.patch.object(module, "SYSTEM", SimpleNamespace(monotonic=lambda: now)):
        for page in pages:
            etags[page] = client.get(f"{SECTION}{page}")["ETag"]
        while (page := min(due, key=due.__getitem__)) and due[page] < end:
            now = due[page]
            due[page] += pages[page]
            begin = time.thread_time()
            response = client.get(f"{SECTION}{page}", headers={"If-None-Match": etags[page]})
            spent += time.thread_time() - begin
            etags[page] = response["ETag"]
    return 100 * spent / PERIOD


if __name__ == "__main__":
    main()
