"""What kind of failure a difference is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.parity.difference import MISSING, Difference
from gateway.parity.redact.redaction import Redaction
from gateway.parity.severity import KINDS, Severity
from gateway.workbench.replay.drift import DRIFTS, drift_of, finding_of, says_shape
from gateway.workbench.replay.result import Drift

REDACTION = Redaction(b"key")


def difference(
    kind: str, pointer: str = "/price", expected: object = "1", actual: object = "2", **more: str
) -> Difference:
    return Difference(kind, pointer, KINDS[kind][0], expected, actual, **more)


def finding(found: Difference, *, as_everyone: bool = False):
    return finding_of("GET /api/products/{pk}/", found, REDACTION, as_everyone=as_everyone)


@pytest.mark.parametrize(
    ("found", "drift"),
    [
        (difference("access", "status", Decimal(403), Decimal(200)), Drift.ACCESS),
        (difference("secret"), Drift.ACCESS),
        (difference("status", "status", Decimal(200), Decimal(500)), Drift.REGRESSION),
        (difference("n-plus-one", "sql"), Drift.REGRESSION),
        (difference("effect", "effects"), Drift.REGRESSION),
        (difference("row", "row:shop_order", MISSING, {"a": "1"}), Drift.REGRESSION),
        (difference("row", "row:shop_order:total", "1", MISSING), Drift.REGRESSION),
        (difference("row", "row:shop_order:total"), Drift.VALUE),
        (difference("type"), Drift.SHAPE),
        (difference("missing", actual=MISSING), Drift.SHAPE),
        (difference("primitive"), Drift.VALUE),
        (difference("items", "", MISSING, "7"), Drift.VALUE),
    ],
)
def test_each_has_its_kind_of_failure(found, drift):
    assert drift_of(found) is drift


def test_no_kind_is_misspelt():
    assert DRIFTS.keys() <= KINDS.keys()


def test_the_message_names_the_field_and_both_values():
    found = finding(difference("primitive", "/results/3/price", "7.50", "7.5"))
    assert found.message == 'value of /results/*/price changed (at /results/3/price): "7.50" → "7.5"'


def test_the_message_names_the_row():
    found = finding(
        difference("row", "row:shop_order:status", "paid", "new", detail="has another value", which="id=17")
    )
    assert found.message == 'row of shop_order: column status has another value (id=17): "paid" → "new"'


def test_what_is_missing_has_no_value():
    found = finding(difference("missing", "/author", "Ada", MISSING))
    assert (found.expected, found.actual, found.message) == ('"Ada"', None, '/author is missing: "Ada" → nothing')


def test_what_has_no_values_is_said_without():
    found = finding(difference("duplicate", "/author", MISSING, MISSING))
    assert (found.expected, found.actual) == (None, None)
    assert "→" not in found.message


def test_where_values_are_pseudonyms_types_and_values_say_nothing_and_names_do():
    counted = [
        one for one in ("type", "class", "primitive", "secret", "missing", "status") if says_shape(difference(one))
    ]
    assert counted == ["missing", "status"]


def test_secrets_are_redacted():
    found = finding(difference("primitive", "/password", "hunter2", "hunter3"))
    assert "hunter" not in f"{found.message}{found.expected}{found.actual}"


@pytest.mark.parametrize(
    "found",
    [
        difference("status", "status", Decimal(404), Decimal(200), detail="404 → 200"),
        difference("items", "/results", MISSING, "7", detail="only the service's"),
    ],
)
def test_to_see_more_than_legacy_shows_is_critical_where_it_is_to_be_found_out_who_sees_what(found):
    assert finding(found).severity is not Severity.CRITICAL
    seen = finding(found, as_everyone=True)
    assert (seen.drift, seen.severity) == (Drift.ACCESS, Severity.CRITICAL)


def test_to_see_less_is_not():
    found = difference("status", "status", Decimal(200), Decimal(404), detail="200 → 404")
    assert finding(found, as_everyone=True).drift is Drift.REGRESSION
