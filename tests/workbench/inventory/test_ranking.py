"""Which endpoint to move next: what is asked most, waits longest and takes least, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from gateway.stats.endpoint_stats import EndpointStats
from gateway.workbench.corpus import Case, Corpus, write_corpus
from gateway.workbench.inventory import find
from gateway.workbench.inventory.coverage import Coverage
from gateway.workbench.inventory.ranking import ranked
from gateway.workbench.inventory.recordings import recordings_in
from gateway.workbench.inventory.report import InventoryEntry
from gateway.workbench.inventory.serving import Serving
from gateway.workbench.inventory.usage import Usage


def entry(text, requests=100, seconds=0.01):
    stats = EndpointStats(requests=requests)
    for _ in range(requests):
        stats.histogram.add(seconds)
    return InventoryEntry(find(text), Serving(), Usage(legacy=stats))


@pytest.mark.parametrize(
    ("better", "worse", "reason"),
    [
        (entry("GET /api/categories/", 500), entry("GET /api/orders/", 100), "83.3 % of the traffic"),
        (entry("GET /api/categories/", seconds=0.5), entry("GET /api/categories/{pk}/"), "slow: 95 % take up to"),
        (entry("GET /api/categories/"), entry("POST /api/categories/"), "only reads"),
        (entry("GET /api/categories/"), entry("/products/"), "can be lifted as it is"),
    ],
)
def test_the_better_one_comes_first_and_says_why(better, worse, reason):
    first, second = ranked([worse, better])
    assert (first.entry, first.score > second.score) == (better, True)
    assert any(reason in said for said in first.reasons)


def recorded_in(folder):
    cases = [Case("/api/categories/", "GET", "/api/categories/", f"page={page}") for page in range(12)]
    write_corpus(Corpus((*cases, Case("/api/orders/{pk}/", "GET", "/api/orders/7/"))), folder / "corpus.jsonl")
    return recordings_in(folder / "corpus.jsonl")


def test_recordings_are_found_whatever_parameters_are_called(tmp_path):
    found = recorded_in(tmp_path)
    assert [found.of(find(text)) for text in ("GET /api/orders/{id}/", "GET /api/categories/", "/cart/")] == [1, 12, 0]


def test_recordings_make_one_easier_to_prove(tmp_path):
    one = entry("GET /api/categories/")
    plain, recorded = ranked([one])[0], ranked([one], recordings=recorded_in(tmp_path))[0]
    assert recorded.score > plain.score
    assert "12 recorded requests to prove it by" in recorded.reasons


def test_what_has_moved_or_is_nobodys_to_move_is_no_candidate():
    hidden = replace(entry("GET /api/categories/"), serving=Serving(hidden_by="api/"))
    assert ranked([hidden, entry("/admin/"), entry("GET /accounts/login/")]) == []


def waits(request):
    return requests.get("https://rates.example/", timeout=1)


def test_what_waits_on_others_comes_before_what_does_not():
    """An asynchronous endpoint waits without a thread."""
    plain = entry("/products/")
    waiting = replace(plain, endpoint=replace(plain.endpoint, template="/rates/", function=waits, callback=waits))
    first, second = ranked([plain, waiting])
    assert (first.entry, first.score > second.score) == (waiting, True)
    assert any(reason.startswith("waits on others (requests)") for reason in first.reasons)


def test_what_tests_run_is_easier_to_prove():
    one = entry("GET /api/categories/")
    lines = {percent: (lambda _, percent=percent: {*range(10_000)} if percent else set()) for percent in (0, 100)}
    whole, none = (ranked([one], Coverage("x", lines[percent]))[0] for percent in (100, 0))
    assert whole.score > ranked([one])[0].score > none.score
    assert ("tests run 100 % of it" in whole.reasons, "tests run 0 % of it" in none.reasons) == (True, True)
