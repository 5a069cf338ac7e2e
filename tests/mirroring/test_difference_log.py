"""What was found is kept until it is stored, a few examples of each group, and nothing else is even looked at."""

from __future__ import annotations

from gateway.mirroring.difference_log import MOST_EXAMPLES, MOST_GROUPS, DifferenceLog
from gateway.parity.compare import Comparison, Difference, Severity
from gateway.parity.redact.redaction import Redaction

REDACTION = Redaction(b"a key")
COMPARISON = Comparison((Difference("primitive", "/name", Severity.BREAKING, "one", "two"),))


def add(report: DifferenceLog, asked: list[str], target: str) -> None:
    def redacted() -> str:
        asked.append(target)
        return target

    report.add("r", "GET /r/", redacted, COMPARISON, REDACTION, 0.0)


def test_only_what_becomes_an_example_is_redacted():
    """It takes long, on the event loop, and callers choose for what."""
    report, asked = DifferenceLog(), []
    for number in range(10):
        add(report, asked, f"/r/?{number}")
    [group] = report.drain().groups
    assert group.count == 10
    assert asked == [example.target for example in group.examples] == [f"/r/?{n}" for n in range(MOST_EXAMPLES)]


def test_after_it_was_stored_there_are_new_examples():
    report, asked = DifferenceLog(), []
    for number in range(MOST_EXAMPLES):
        add(report, asked, f"/r/?{number}")
    report.drain()
    add(report, asked, "/r/?later")
    assert [example.target for example in report.drain().groups[0].examples] == ["/r/?later"]


def compare(report: DifferenceLog, pointer: str, **matches: int) -> None:
    found = Comparison((Difference("primitive", pointer, Severity.BREAKING, "one", "two"),), matches=matches)
    report.add("r", "GET /r/", lambda: "/r/", found, REDACTION, 0.0)


def test_what_could_not_be_stored_is_added_to_what_came_since():
    report = DifferenceLog()
    compare(report, "/name", rule=2)
    drained = report.drain()
    compare(report, "/name", rule=1, other=1)
    report.restore(drained)
    again = report.drain()
    assert [(group.count, len(group.examples)) for group in again.groups] == [(2, 2)]
    assert again.matches == {("r", "rule"): 3, ("r", "other"): 1}


def test_beyond_so_many_groups_differences_are_only_counted():
    report = DifferenceLog()
    names = [f"/{'abcdefghij'[number // 100]}/{'x' * (number % 100)}y" for number in range(MOST_GROUPS + 3)]
    for name in (*names, names[0]):
        compare(report, name)
    drained = report.drain()
    assert (len(drained.groups), drained.beyond, drained.groups[0].count) == (MOST_GROUPS, 3, 2)
