"""What legacy does by itself is no difference of the service's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.parity.compare import Comparison, Difference, Severity
from gateway.parity.controls import Controls

TEMPLATE = "GET /things/{id}/"


def differing(*pointers: str, severity: Severity = Severity.BREAKING) -> Comparison:
    """A comparison with a difference at each of these places."""
    return Comparison(tuple(Difference("primitive", pointer, severity, "a", "b") for pointer in pointers))


def test_what_legacy_never_does_by_itself_is_a_difference():
    controls = Controls()
    for _ in range(20):
        controls.add_control(TEMPLATE, differing("/time"))
    assert controls.add(TEMPLATE, differing("/price")) == (True, True)


def test_what_legacy_does_by_itself_as_often_is_none():
    controls = Controls()
    controls.add_control(TEMPLATE, differing("/time"))
    assert controls.add(TEMPLATE, differing("/time")) == (False, False)


def test_a_difference_beside_noise_still_counts():
    controls = Controls()
    controls.add_control(TEMPLATE, differing("/time"))
    assert controls.add(TEMPLATE, differing("/time", "/price")) == (True, True)


def test_what_the_service_does_much_more_often_than_legacy_is_a_difference():
    controls = Controls()
    for number in range(100):
        controls.add_control(TEMPLATE, differing(*(["/rank"] if number == 0 else [])))
    found = [controls.add(TEMPLATE, differing("/rank")) for _ in range(100)]
    assert found[-1] == (True, True)


def test_a_warning_is_no_breaking_difference():
    assert Controls().add(TEMPLATE, differing("/a", severity=Severity.WARNING)) == (False, True)


def test_equal_answers_differ_in_nothing():
    assert Controls().add(TEMPLATE, Comparison()) == (False, False)


@given(st.lists(st.sampled_from(["/a", "/b", "/c"]), max_size=30), st.lists(st.sampled_from(["/a", "/b"]), max_size=30))
def test_without_noise_at_a_place_nothing_there_is_excused(asked, noisy):
    controls = Controls()
    for pointer in noisy:
        controls.add_control(TEMPLATE, differing(pointer))
    for pointer in asked:
        breaking, _ = controls.add(TEMPLATE, differing(pointer))
        assert breaking or pointer in noisy


def test_identifiers_in_places_do_not_fill_the_memory():
    controls = Controls()
    for number in range(3000):
        controls.add(TEMPLATE, differing(f"/name{number}x"))
    assert len(controls._compared) <= 1000
