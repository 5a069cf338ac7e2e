"""What both sides would leave in caches, sessions and files, and ask of other servers, is compared, and not done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.workbench.corpus import Case, Corpus, Outbound, RecordedResponse, User, write_corpus
from tests.conftest import project_toml
from tests.project import settings as project_settings
from tests.support.commands import Commands, Result
from tests.workbench.replay.elsewhere import ACTS, URL
from tests.workbench.replay.site import seeded

pytestmark = [pytest.mark.slow]
ROUTE = """
[services.elsewhere]
app = "tests.workbench.replay.elsewhere:app"

[[routes]]
name = "elsewhere"
prefix = "/elsewhere"
service = "elsewhere"
stage = "shadow"
"""
PAID = RecordedResponse(200, (("content-type", "application/json"),), b'{"paid": true}')
CHARGE = Outbound("POST", URL, (("content-type", "application/json"),), b'{"amount": 5, "currency": "USD"}', PAID)
MEMORY = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}

# By act: how bad, and words of the message. What isn't here is the same on both sides.
FOUND = {
    "cache-value": ("breaking", "cache default cart: not the same on both sides"),
    "cache-set": ("warning", "cache other cart: only by legacy"),
    "cache-delete": ("breaking", "cache default products is deleted: only by legacy"),
    "session-value": ("breaking", "session seen: not the same on both sides"),
    "session-name": ("breaking", "session seen: only by legacy"),
    "session-end": ("breaking", "session (ended): only by legacy"),
    "session-key": ("breaking", "session (a new key): only by legacy"),
    "file-content": ("breaking", "file invoices/1.txt: not the same on both sides"),
    "request-value": ("breaking", f"request POST {URL}: not the same on both sides"),
    "request-shape": ("breaking", f"request POST {URL}: not the same on both sides"),
    "request-more": ("breaking", f"request POST {URL}: only by the service, or more often"),
    "request-none": ("breaking", f"request POST {URL}: only by legacy"),
}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("elsewhere")
    settings: dict[str, Any] = {
        "ROOT_URLCONF": "tests.workbench.replay.elsewhere",
        "INSTALLED_APPS": [*project_settings.INSTALLED_APPS, "tests.planted"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}},
        "CACHES": {"default": MEMORY, "other": MEMORY | {"LOCATION": "other"}},
        "MEDIA_ROOT": str(folder / "media"),
    }
    seeded(settings)
    config, corpus = folder / "gateway.toml", folder / "corpus.jsonl"
    config.write_text(project_toml(ROUTE))
    user = User("user", "1")
    cases = [Case("/elsewhere/{act}/", "GET", f"/elsewhere/{act}/", user=user, outbound=(CHARGE,)) for act in ACTS]
    write_corpus(Corpus(tuple(cases)), corpus)
    with Commands(config, settings) as gateway:
        result = gateway("replay", str(corpus), "--json")
    assert not Path(settings["MEDIA_ROOT"]).exists()
    return result


@pytest.fixture(scope="module")
def cases(replayed: Result) -> dict[str, dict[str, Any]]:
    found = replayed.json()
    return {case["target"].split("/")[2]: case for case in found["cases"]}


def effects(cases: dict[str, dict[str, Any]], act: str) -> list[tuple[str, str]]:
    """What is found of them; what an answer says is no matter here."""
    found = cases[act]["findings"] if act in cases else []
    return [(one["severity"], one["message"]) for one in found if one["kind"] == "effect"]


@pytest.mark.parametrize("act", FOUND)
def test_what_differs_is_found(cases, act):
    severity, words = FOUND[act]
    said = effects(cases, act)
    assert [(one[0], words in one[1]) for one in said] == [(severity, True)], said


@pytest.mark.parametrize("act", sorted(ACTS.keys() - FOUND.keys() - {"request-unknown"}))
def test_what_is_the_same_is_none(cases, act):
    assert effects(cases, act) == []


def test_where_legacy_asks_for_what_was_not_recorded_nothing_is_compared(replayed):
    ((skipped),) = replayed.json()["skipped"]
    assert skipped["reason"].startswith("legacy would use a connection to nobody.example")
