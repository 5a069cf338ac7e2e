"""`gateway diffs`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.control import moves, reports
from gateway.control.models import DifferenceGroup
from gateway.control.reports import DifferenceReport
from gateway.parity.noise import Noise
from gateway.rollout.stage import State

FIRST, LAST = datetime(2026, 11, 25, 11, tzinfo=UTC), datetime(2026, 11, 25, 12, tzinfo=UTC)
EXAMPLES = (
    {"target": "/api/products/?page=2", "pointer": "/results/0/price", "expected": "20.00", "actual": "20", "at": 1.0},
    {"target": "/api/products/?page=3", "pointer": "/results/4/price", "expected": "9.50", "actual": "9.5", "at": 2.0},
)
NOISE = Noise(True, "in 90 of 1,000 (9.0%); of legacy with itself in 1 of 10 (10.0%): not more often")
PRICE = DifferenceReport(
    route="catalog",
    template="GET /api/products/",
    fingerprint="a1",
    kind="type",
    pointer="/results/*/price",
    severity="breaking",
    summary="type of /results/*/price changed, string → number",
    count=844,
    noise=0,
    first_seen=FIRST,
    last_seen=LAST,
    verdict=Noise(False, "in 844 of 1,000 (84.4%); no control yet: more often"),
    examples=EXAMPLES,
)
TOOK = replace(PRICE, summary="value of /took changed", severity="warning", count=90, fingerprint="b2", verdict=NOISE)


@pytest.fixture
def found(monkeypatch, rollout):
    """Let these groups be stored."""
    rollout()
    groups: list[DifferenceReport] = []
    monkeypatch.setattr(reports, "differences", lambda route: groups if route == "catalog" else [])
    return groups.extend


def local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def test_says_what_was_not_seen_since_the_last_move(invoke, found, monkeypatch):
    monkeypatch.setattr(moves, "standing", lambda _: moves.Standing(State("shadow"), 3, LAST + timedelta(seconds=1)))
    found([PRICE])
    line = f"    from {local(FIRST)} to {local(LAST)}, not since the route was moved last"
    assert line in invoke("diffs", "catalog").stdout.splitlines()


def test_shows_each_group_with_an_example(invoke, found):
    found([PRICE])
    assert invoke("diffs", "catalog").stdout.splitlines() == [
        "breaking  GET /api/products/  type of /results/*/price changed, string → number, 844 requests",
        f"    from {local(FIRST)} to {local(LAST)}",
        "    /api/products/?page=2 /results/0/price: 20.00 → 20",
    ]


def test_leaves_noise_out_but_says_so(invoke, found):
    found([PRICE, TOOK])
    stdout = invoke("diffs", "catalog").stdout
    assert "/took" not in stdout
    assert stdout.endswith("1 more is noise; --all shows it.\n")


def test_all_shows_noise_and_every_example(invoke, found):
    found([PRICE, TOOK])
    stdout = invoke("diffs", "catalog", "--all").stdout
    assert "noise (warning)  GET /api/products/  value of /took changed, 90 requests" in stdout
    assert NOISE.explanation in stdout
    assert stdout.count("/api/products/?page=3 /results/4/price: 9.50 → 9.5") == 2


def test_json_has_everything(invoke, found):
    found([PRICE, TOOK])
    document = json.loads(invoke("diffs", "catalog", "--json").stdout)
    assert [(group["count"], group["severity"], group["verdict"]["noise"]) for group in document["groups"]] == [
        (844, "breaking", False),
        (90, "warning", True),
    ]
    assert document["groups"][0]["examples"] == list(EXAMPLES)


def test_says_that_there_are_none(invoke, found):
    assert invoke("diffs", "catalog").stdout.startswith(
        "No differences of catalog are stored; `gateway status catalog`"
    )


def test_an_unknown_route_is_wrong_usage(invoke, found):
    assert invoke("diffs", "nothing").exit_code == 2


@pytest.mark.django_db
def test_shows_what_is_stored(invoke, rollout):
    rollout()
    fields = {"template": "GET /api/products/", "kind": "type", "pointer": "/price", "severity": "breaking"}
    DifferenceGroup.objects.create(
        route="catalog",
        fingerprint="a1",
        summary="type of /price changed",
        count=3,
        first_seen=FIRST,
        last_seen=LAST,
        **fields,
    )
    assert "breaking  GET /api/products/  type of /price changed, 3 requests" in invoke("diffs", "catalog").stdout
