"""`gateway replay`: what it prints, and how it ends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.workbench.corpus import Case, RecordedResponse, User
from gateway.workbench.shapes import SHAPES
from tests.support.commands import Commands
from tests.workbench.replay.site import STAFF, USER, PlantedSite, get, visit

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> PlantedSite:
    """A shop without a bug, and with two."""
    return PlantedSite(tmp_path_factory.mktemp("site"), ["none", "missing-field", "missing-permission"])


@pytest.fixture(scope="module")
def gateway(site: PlantedSite) -> Iterator[Commands]:
    with site.commands as commands:
        yield commands


def rows(site: PlantedSite, table: str) -> int:
    with closing(sqlite3.connect(site.folder / "db.sqlite3")) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - a name of the tests


def test_what_is_equal_ends_with_0_and_leaves_the_database_as_it_was(site, gateway):
    before = rows(site, "planted_visit"), rows(site, "django_session")
    result = gateway("replay", site.record(get("none", "books/"), visit("none"), visit("none", STAFF)))
    assert (result.exit_code, result.stdout.splitlines()[0].rpartition(": ")[2]) == (0, "3 equal, 0 different")
    assert (rows(site, "planted_visit"), rows(site, "django_session")) == before


def test_what_differs_ends_with_1_and_is_named_once_with_an_example(site, gateway):
    result = gateway("replay", site.record(get("missing-field", "books/3/"), get("missing-field", "books/5/")))
    assert result.exit_code == 1
    first, example, *_ = result.stdout.splitlines()
    assert first.startswith("breaking shape drift  GET /shadow/missing-field/books/3/  /author is missing")
    assert example == "    GET /shadow/missing-field/books/3/ as anonymous"


ACCEPT = """
    INSERT INTO gateway_control_accepteddifference (route, fingerprint, kind, pointer, until, at, who, why)
    VALUES ('missing-field', 'a', '*', ?, ?, 1, 'ana', 'nobody reads it')
"""


@pytest.mark.parametrize(
    ("until", "pointer", "status"),
    [("2099-12-31", "/author", 0), ("2020-01-01", "/author", 1), ("2099-12-31", "/title", 1)],
)
def test_what_was_accepted_at_run_time_is_no_difference(site, gateway, until, pointer, status):
    """As by `gateway diffs accept`, or in the admin: until that day is over, at that place."""
    with closing(sqlite3.connect(site.folder / "db.sqlite3", isolation_level=None)) as database:
        database.execute(ACCEPT, [pointer, until])
        try:
            result = gateway("replay", site.record(get("missing-field", "books/3/")))
        finally:
            database.execute("DELETE FROM gateway_control_accepteddifference")
    assert result.exit_code == status, result.stdout


def test_json_has_its_documented_shape(site, gateway):
    corpus = site.record(get("missing-field", "books/3/"), replace(get("none", "books/"), path="/elsewhere/"))
    result = gateway("replay", corpus, "--json")
    document = SHAPES["replay"].model_validate_json(result.stdout, strict=True)
    assert document.model_dump(mode="json") == json.loads(result.stdout)
    assert result.json()["counts"] == {"equal": 0, "different": 1, "skipped": 1}
    assert result.json()["skipped"][0]["reason"].startswith("no route claims it")
    assert SHAPES["replay clean"].model_validate_json(gateway("replay", "--clean", "--json").stdout, strict=True)


def test_as_everyone_finds_who_sees_more(site, gateway):
    result = gateway("replay", site.record(get("missing-permission", "sales/", STAFF)), "--as-everyone", "--json")
    found = {(case["acting"], one["drift"]) for case in result.json()["cases"] for one in case["findings"]}
    assert found == {("anonymous", "wider access"), ("another user", "wider access")}


def test_reports_are_written_beside_what_is_printed(site, gateway, tmp_path):
    corpus = site.record(get("missing-field", "books/3/"))
    html, junit, tests = tmp_path / "r.html", tmp_path / "r.xml", tmp_path / "tests"
    arguments = "replay", corpus, "--html", str(html), "--junit", str(junit), "--pytest", str(tests)
    result = gateway(*arguments)
    assert result.exit_code == 1
    assert "/author is missing" in html.read_text()
    assert '<failure type="shape drift" message="' in junit.read_text()
    assert "compare_sides(" in (tests / "test_missing_field.py").read_text()
    again = gateway(*arguments)
    assert again.exit_code == 1
    assert "Warning: not written over: " in again.stderr
    assert again.stdout.startswith("breaking shape drift")


def test_nothing_compared_is_no_success(site, gateway):
    elsewhere = replace(get("none", "books/"), path="/elsewhere/")
    assert gateway("replay", site.record(elsewhere)).exit_code == 1


def test_a_pseudonym_is_somebody_of_that_kind(site, gateway):
    result = gateway(
        "replay", site.record(visit("none", User("user", "user-3f2a91")), visit("none", User("superuser")))
    )
    assert (result.exit_code, result.stdout.splitlines()[0].rpartition(": ")[2]) == (0, "2 equal, 0 different")


def test_a_route_can_be_picked(site, gateway):
    corpus = site.record(get("none", "books/"), get("missing-field", "books/3/"))
    assert gateway("replay", corpus, "--route", "none").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "which CORPUS?"),
        (["missing.jsonl"], 2, "missing.jsonl"),
        (["{corpus}", "--route", "nothing"], 2, "there is no route 'nothing'"),
        (["{corpus}", "--side", "left"], 2, "--side"),
    ],
)
def test_what_can_not_be_asked_says_why(site, gateway, arguments, status, words):
    corpus = site.record(visit("none", USER))
    result = gateway("replay", *(argument.format(corpus=corpus) for argument in arguments))
    assert (result.exit_code, words in result.stderr) == (status, True)


def test_a_service_that_can_not_be_imported_ends_with_3(site, tmp_path):
    config = tmp_path / "gateway.toml"
    config.write_text(site.config.read_text().replace("tests.planted.services:apps.none", "tests.planted.nowhere:app"))
    with Commands(config, site.settings) as gateway:
        result = gateway("replay", site.record(get("none", "books/")), "--verbose")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("Error: ConfigError: ")
    assert "tests.planted.nowhere" in result.stderr


def test_a_database_that_is_not_there_ends_with_3(site, tmp_path):
    other = {
        **site.settings,
        "DATABASES": {"default": {**site.settings["DATABASES"]["default"], "NAME": str(tmp_path / "x")}},
    }
    with Commands(site.config, other) as gateway:
        result = gateway("replay", site.record(get("none", "books/")))
    assert (result.exit_code, "there is no file" in result.stderr) == (3, True)


# -- against what was recorded --------------------------------------------------------------------


def recorded(bug: str, body: dict[str, object]) -> Case:
    answer = RecordedResponse(200, (("content-type", "application/json"),), json.dumps(body).encode())
    return replace(get(bug, "books/3/"), answer=answer)


BOOK = {"id": 3, "title": "Book 2", "price": "7.50", "author": "Author 2"}


@pytest.mark.parametrize(("side", "status"), [("legacy", 0), ("service", 1)])
def test_one_side_is_compared_with_the_recorded_answer(site, gateway, side, status):
    result = gateway("replay", site.record(recorded("missing-field", BOOK)), "--side", side)
    assert (result.exit_code, "/author is missing" in result.stdout) == (status, bool(status))


def test_of_pseudonyms_only_the_shape_is_compared(site, gateway):
    redacted = BOOK | {"price": "[redacted 3f2a91]", "title": "somebody"}
    assert gateway("replay", site.record(recorded("none", redacted)), "--side", "service").exit_code == 0


def test_what_legacy_answers_otherwise_than_it_was_recorded_is_said(site, gateway):
    case = replace(get("none", "books/99/"), answer=RecordedResponse(200))
    said = gateway("replay", site.record(case)).stdout
    assert "1 are answered otherwise by legacy than they were recorded, 404 and not 200" in said


# -- as evidence ----------------------------------------------------------------------------------


def test_it_is_kept_as_evidence_for_the_release_that_was_asked(site, gateway):
    result = gateway("replay", site.record(get("none", "books/"), get("missing-field", "books/3/")), "--json").json()
    assert result["unstored"] is None
    with closing(sqlite3.connect(site.folder / "db.sqlite3")) as database:
        rows = database.execute(
            "SELECT route, release, cases, blocking, accepted FROM gateway_control_replay ORDER BY id DESC"
        )
        assert {*rows.fetchmany(2)} == {
            ("none", result["releases"]["none"], 1, 0, '["GET"]'),
            ("missing-field", result["releases"]["missing-field"], 1, 1, '["GET"]'),
        }


def test_against_a_recording_it_is_none(site, gateway):
    result = gateway("replay", site.record(recorded("none", BOOK)), "--side", "service", "--json")
    assert result.json()["unstored"] == "only a replay of both sides is evidence"
