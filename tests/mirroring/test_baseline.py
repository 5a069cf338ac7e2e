"""What legacy does by itself is no difference of the service's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.mirroring.baseline import Baseline
from gateway.parity.compare import Comparison, Difference, Severity

TEMPLATE = "GET /things/{id}/"


def differing(*pointers: str, severity: Severity = Severity.BREAKING) -> Comparison:
    """A comparison with a difference at each of these places."""
    return Comparison(tuple(Difference("primitive", pointer, severity, "a", "b") for pointer in pointers))


def test_what_legacy_never_does_by_itself_is_a_difference():
    baseline = Baseline()
    for _ in range(20):
        baseline.add_control(TEMPLATE, differing("/time"))
    assert baseline.add(TEMPLATE, differing("/price")) is Severity.BREAKING


def test_what_legacy_does_by_itself_as_often_is_none():
    baseline = Baseline()
    baseline.add_control(TEMPLATE, differing("/time"))
    assert baseline.add(TEMPLATE, differing("/time")) is None


def test_a_difference_beside_noise_still_counts():
    baseline = Baseline()
    baseline.add_control(TEMPLATE, differing("/time"))
    assert baseline.add(TEMPLATE, differing("/time", "/price")) is Severity.BREAKING


def test_what_the_service_does_much_more_often_than_legacy_is_a_difference():
    baseline = Baseline()
    for number in range(100):
        baseline.add_control(TEMPLATE, differing(*(["/rank"] if number == 0 else [])))
    found = [baseline.add(TEMPLATE, differing("/rank")) for _ in range(100)]
    assert found[-1] is Severity.BREAKING


def test_a_warning_is_no_breaking_difference():
    assert Baseline().add(TEMPLATE, differing("/a", severity=Severity.WARNING)) is Severity.WARNING


def test_equal_answers_differ_in_nothing():
    assert Baseline().add(TEMPLATE, Comparison()) is None


@given(st.lists(st.sampled_from(["/a", "/b", "/c"]), max_size=30), st.lists(st.sampled_from(["/a", "/b"]), max_size=30))
def test_without_noise_at_a_place_nothing_there_is_excused(asked, noisy):
    baseline = Baseline()
    for pointer in noisy:
        baseline.add_control(TEMPLATE, differing(pointer))
    for pointer in asked:
        worst = baseline.add(TEMPLATE, differing(pointer))
        assert worst is Severity.BREAKING or pointer in noisy


def test_identifiers_in_places_do_not_fill_the_memory():
    baseline = Baseline()
    for number in range(3000):
        baseline.add(TEMPLATE, differing(f"/name{number}x"))
    assert len(baseline._compared) <= 1000
