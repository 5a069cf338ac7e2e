"""What one side of a replay would have done to sessions, told as what changed."""

from __future__ import annotations

from decimal import Decimal

from gateway.context.intentions import MOST, Intentions
from gateway.parity.intentions import GONE


def noted(intentions: Intentions) -> dict[str, object]:
    """The values by place."""
    return {one.place: one.value for one in intentions.found()}


def test_items_that_are_set_changed_and_removed_are_told_and_others_not():
    intentions = Intentions()
    session = intentions.session()
    session.loaded({"cart": 1, "seen": 2, "language": "el"})
    session.saved({"cart": 1, "seen": 3, "new": True})
    assert noted(intentions) == {"seen": Decimal(3), "new": True, "language": GONE}


def test_what_it_was_at_first_is_what_changes_are_from():
    """A session is read again after it was saved."""
    intentions = Intentions()
    session = intentions.session()
    session.loaded({"cart": 1})
    session.loaded({"cart": 2})
    session.saved({"cart": 2})
    session.loaded({"cart": 2})
    assert noted(intentions) == {"cart": Decimal(2)}


def test_a_session_that_is_ended_begins_anew():
    intentions = Intentions()
    session = intentions.session()
    session.loaded({"cart": 1})
    session.ended()
    session.renewed()
    session.saved({"cart": 1})
    assert noted(intentions) == {"(ended)": True, "(a new key)": True, "cart": Decimal(1)}


def test_so_many_are_kept():
    intentions = Intentions()
    for number in range(MOST + 1):
        intentions.note("cache", str(number), Decimal(number))
        intentions.session().saved({f"s{number}": 1})
    assert len(intentions.found()) == 2 * MOST
