"""`gateway diffs`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.control import current_state, reports
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
    fingerprint="a1b2c3d4e5f60718",
    kind="type",
    pointer="/results/*/price",
    severity="breaking",
    summary="type of /results/*/price changed, string → number",
    state="open",
    release="r1",
    count=844,
    noise=0,
    first_seen=FIRST,
    last_seen=LAST,
    verdict=Noise(False, "in 844 of 1,000 (84.4%); no control yet: more often"),
    examples=EXAMPLES,
)
TOOK = replace(
    PRICE,
    summary="value of /took changed",
    severity="warning",
    state="noise",
    count=90,
    fingerprint="b2",
    verdict=NOISE,
)


@pytest.fixture
def found(monkeypatch, rollout):
    """Let these groups be stored."""
    rollout()
    groups: list[DifferenceReport] = []
    monkeypatch.setattr(reports, "differences", lambda route: groups if route.name == "catalog" else [])
    return groups.extend


def local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def test_says_what_was_not_seen_since_the_last_move(invoke, found, monkeypatch):
    moved = current_state.CurrentState(State("shadow"), 3, LAST + timedelta(seconds=1))
    monkeypatch.setattr(current_state, "current_state", lambda _: moved)
    found([PRICE])
    line = f"    a1b2c3d4  from {local(FIRST)} to {local(LAST)}, not since the route was moved last"
    assert line in invoke("diffs", "catalog").stdout.splitlines()


def test_shows_each_group_with_an_example(invoke, found):
    found([PRICE])
    assert invoke("diffs", "catalog").stdout.splitlines() == [
        "breaking  GET /api/products/  type of /results/*/price changed, string → number, 844 requests",
        f"    a1b2c3d4  from {local(FIRST)} to {local(LAST)}",
        "    /api/products/?page=2 /results/0/price: 20.00 → 20",
    ]


def test_leaves_noise_out_but_says_so(invoke, found):
    found([PRICE, TOOK])
    stdout = invoke("diffs", "catalog").stdout
    assert "/took" not in stdout
    assert stdout.endswith("Not open: 1 noise; --all shows it.\n")


def test_all_shows_noise_and_every_example(invoke, found):
    found([PRICE, TOOK])
    stdout = invoke("diffs", "catalog", "--all").stdout
    assert "noise (warning)  GET /api/products/  value of /took changed, 90 requests" in stdout
    assert NOISE.explanation in stdout
    assert stdout.count("/api/products/?page=3 /results/4/price: 9.50 → 9.5") == 2


def test_json_has_everything(invoke, found):
    found([PRICE, TOOK])
    [route] = json.loads(invoke("diffs", "catalog", "--json").stdout)["routes"]
    assert [(group["count"], group["severity"], group["noise_why"]) for group in route["groups"]] == [
        (844, "breaking", PRICE.verdict.explanation),
        (90, "warning", NOISE.explanation),
    ]
    assert route["groups"][0]["examples"][0] == EXAMPLES[0] | {"at": "1970-01-01T00:00:01.000+00:00"}


def test_says_that_there_are_none(invoke, found):
    assert invoke("diffs", "catalog").stdout.startswith(
        "No differences of catalog are stored; `gateway status catalog`"
    )


def test_says_that_nothing_is_compared(invoke, found, rollout):
    rollout('methods = ["POST"]')
    stdout = invoke("diffs", "catalog").stdout
    assert stdout == "No differences of catalog are stored: at shadow, nothing of it is compared.\n"


def test_says_that_there_are_no_routes(invoke, here):
    (here / "gateway.toml").write_text('[legacy]\nsettings = "legacy.settings"\n')
    assert invoke("diffs").stdout == "No routes are configured.\n"


def test_without_a_route_it_lists_those_of_all(invoke, found, rollout):
    rollout('[[routes]]\nname = "orders"\nprefix = "/api/orders"\nservice = "catalog"')
    found([PRICE])
    shown = invoke("diffs").stdout
    assert shown.startswith(f"catalog\nbreaking  GET /api/products/  {PRICE.summary}")
    assert "\n\norders\nNo differences of orders are stored" in shown
    listed = json.loads(invoke("diffs", "--json").stdout)["routes"]
    assert [(one["route"], len(one["groups"])) for one in listed] == [("catalog", 1), ("orders", 0)]


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


# -- since and resolve ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "shown"),
    [("30m", []), ("2h", ["new"]), ("3d", ["new", "old"]), ("2026-01-01", ["new", "old"]), ("9999-01-01T00:00", [])],
)
def test_since_leaves_out_what_was_seen_before(invoke, found, since, shown):
    now = datetime.now(UTC)
    found([replace(PRICE, summary="new", last_seen=now - timedelta(hours=1))])
    found([replace(PRICE, summary="old", last_seen=now - timedelta(days=2))])
    [route] = json.loads(invoke("diffs", "catalog", "--since", since, "--json").stdout)["routes"]
    assert [group["summary"] for group in route["groups"]] == shown


def test_a_time_that_is_none_is_wrong_usage(invoke, found):
    result = invoke("diffs", "catalog", "--since", "yesterday")
    assert result.exit_code == 2
    assert "--since is 30m, 2h, 1d or a time" in result.stderr


def test_says_what_became_of_those_that_are_not_open(invoke, found):
    resolved = {"state": "resolved", "resolved": LAST, "resolved_by": "ada", "resolved_why": "it was wrong"}
    found([replace(PRICE, **resolved), replace(PRICE, state="mended", release="r1")])
    assert invoke("diffs", "catalog").stdout == "Not open: 1 resolved, 1 mended; --all shows them.\n"
    stdout = invoke("diffs", "catalog", "--all").stdout
    assert "resolved (breaking)" in stdout
    assert "; resolved by ada: it was wrong" in stdout
    assert "; not seen since release r1" in stdout


@pytest.fixture
def stored(db, rollout):
    rollout()
    return DifferenceGroup.objects.create(
        route="catalog",
        template="GET /api/products/",
        fingerprint="a1b2c3d4e5f60718",
        kind="type",
        pointer="/price",
        severity="breaking",
        summary="type of /price changed",
        count=3,
        first_seen=FIRST,
        last_seen=LAST,
    )


def test_resolve_settles_one(invoke, stored):
    result = invoke("diffs", "resolve", "a1b2c3", "--why", "legacy was wrong", "--who", "ada")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("catalog: resolved: GET /api/products/  type of /price changed\n")
    stored.refresh_from_db()
    assert (stored.resolved_by, stored.resolved_why) == ("ada", "legacy was wrong")
    assert invoke("diffs", "catalog").stdout == "Not open: 1 resolved; --all shows it.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["a1b2c3"], 2, "needs a reason"),
        (["ffff", "--why", "x"], 1, "no difference has the key 'ffff'"),
    ],
)
def test_what_cannot_be_resolved_says_why(invoke, stored, arguments, status, said):
    result = invoke("diffs", "resolve", *arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in result.stderr


def test_a_second_name_without_resolve_is_wrong_usage(invoke, stored):
    assert invoke("diffs", "catalog", "a1b2c3").exit_code == 2


def test_accept_settles_one_until_a_day(invoke, stored):
    result = invoke("diffs", "accept", "a1b2c3", "--until", "2999-12-31", "--why", "clients round it", "--who", "ada")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("catalog: accepted until 2999-12-31: GET /api/products/  type of /price changed\n")
    stored.refresh_from_db()
    assert stored.resolved_why == "accepted until 2999-12-31: clients round it"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["a1b2c3", "--until", "2999-12-31"], 2, "needs a reason"),
        (["a1b2c3", "--why", "x"], 2, "needs its last day: --until 2026-12-31"),
        (["a1b2c3", "--why", "x", "--until", "soon"], 2, "needs its last day"),
        (["a1b2c3", "--why", "x", "--until", "2020-01-01"], 2, "2020-01-01 is over"),
        (["ffff", "--why", "x", "--until", "2999-12-31"], 1, "no difference has the key 'ffff'"),
    ],
)
def test_what_cannot_be_accepted_says_why(invoke, stored, arguments, status, said):
    result = invoke("diffs", "accept", *arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in result.stderr
