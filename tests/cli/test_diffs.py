"""`gateway diffs`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.cli.diffs import is_noise
from gateway.config import RouteConfig
from gateway.control import reports
from gateway.control.reports import DifferenceReport

FIRST, LAST = datetime(2026, 11, 25, 11, tzinfo=UTC), datetime(2026, 11, 25, 12, tzinfo=UTC)
EXAMPLES = (
    {"target": "/api/products/?page=2", "pointer": "/results/0/price", "expected": "20.00", "actual": "20", "at": 1.0},
    {"target": "/api/products/?page=3", "pointer": "/results/4/price", "expected": "9.50", "actual": "9.5", "at": 2.0},
)
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
    examples=EXAMPLES,
)
TOOK = replace(PRICE, summary="value of /took changed", severity="warning", count=90, noise=10, fingerprint="b2")


@pytest.fixture
def found(monkeypatch, rollout):
    """Let these groups be stored."""
    rollout("mirror = { control = 10 }")
    groups: list[DifferenceReport] = []
    monkeypatch.setattr(reports, "differences", lambda route: groups if route == "catalog" else [])
    return groups.extend


def local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


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
    assert "noise, warning  GET /api/products/  value of /took changed, 90 requests" in stdout
    assert "; 10 times of legacy with itself" in stdout
    assert stdout.count("/api/products/?page=3 /results/4/price: 9.50 → 9.5") == 2


def test_json_has_everything(invoke, found):
    found([PRICE, TOOK])
    document = json.loads(invoke("diffs", "catalog", "--json").stdout)
    assert [(group["count"], group["severity"], group["is_noise"]) for group in document["groups"]] == [
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


@pytest.mark.parametrize(
    ("count", "noise", "control", "noisy"),
    [
        (100, 0, 10, False),
        (100, 10, 10, True),  # as often: 10 in a tenth
        (100, 7, 10, True),  # hardly more often: by less than 20 % of both
        (100, 6, 10, False),
        (100, 1, 1, True),
        (1000, 1, 1, False),
        (100, 10, 0, False),  # what was stored while there were controls says nothing of now
    ],
)
def test_a_control_counts_for_as_many_requests_as_there_are_to_one(count, noise, control, noisy):
    route = RouteConfig.model_validate({"name": "r", "path": "/", "service": "s", "mirror": {"control": control}})
    assert is_noise(replace(PRICE, count=count, noise=noise), route) is noisy
