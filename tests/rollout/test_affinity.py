"""What a browser keeps for the gateway, and the header with which a tester chooses a side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rollout.affinity import MOST, AffinityCookie, Signer

ID = "0123456789abcdef" * 2
SIGNER = Signer(["secret"])
groups = st.text(min_size=1, max_size=30)
pins = st.dictionaries(groups, st.sampled_from(["legacy", "service"]), max_size=8)


@given(pins)
def test_a_cookie_comes_back_as_it_was(pins):
    assert SIGNER.load_cookie(SIGNER.dump_cookie(AffinityCookie(ID, pins))) == AffinityCookie(ID, pins)


@given(pins)
def test_its_value_may_stand_in_a_cookie(pins):
    """RFC 6265, section 4.1.1: no control characters, spaces, quotes, commas, semicolons or backslashes."""
    value = SIGNER.dump_cookie(AffinityCookie(ID, pins))
    assert not set(value) - set(range(0x21, 0x7F)) - set(b'",;\\')
    assert len(value) <= MOST


@given(pins, st.data())
def test_nobody_can_write_one(pins, data):
    value = bytearray(SIGNER.dump_cookie(AffinityCookie(ID, pins)))
    place = data.draw(st.integers(0, len(value) - 1))
    value[place] ^= data.draw(st.integers(1, 255))
    assert SIGNER.load_cookie(bytes(value)) is None


@pytest.mark.parametrize(
    "value", [None, b"", b":", b"::", b"a:b", ID.encode() + b":" + b"0" * 32, b"\xff:" * 9, b":" * 5000]
)
def test_what_is_no_cookie_is_none(value):
    assert SIGNER.load_cookie(value) is None


def test_what_was_signed_for_a_name_that_is_none_is_none():
    assert SIGNER.load_cookie(SIGNER.dump_cookie(AffinityCookie("ada"))) is None


def test_however_many_there_are_each_comes_back(monkeypatch):
    monkeypatch.setattr("gateway.rollout.affinity.MOST_KNOWN", 2)
    signer = Signer(["secret"])
    cookies = [AffinityCookie(ID, {f"group-{number}": "service"}) for number in range(5)]
    values = [signer.dump_cookie(cookie) for cookie in cookies]
    assert [signer.load_cookie(value) for value in [*values, *values]] == [*cookies, *cookies]


def test_signers_of_the_same_secrets_are_one_in_a_set():
    assert len({Signer(["a", "b"]), Signer(["a", b"b"]), Signer(["b", "a"])}) == 2


def test_a_new_secret_takes_over_from_an_old_one():
    value = Signer(["old"]).dump_cookie(AffinityCookie(ID))
    assert Signer(["new", "old"]).load_cookie(value) == AffinityCookie(ID)
    assert Signer(["new"]).load_cookie(value) is None


def test_a_cookie_that_would_be_too_long_forgets_its_oldest_pins():
    cookie = AffinityCookie(ID)
    for number in range(1000):
        cookie = cookie.pinned(f"group-{number}", "service")
    kept = SIGNER.load_cookie(SIGNER.dump_cookie(cookie))
    assert kept is not None
    assert "group-999" in kept.pins
    assert "group-0" not in kept.pins


def test_the_last_pin_of_a_group_counts():
    assert AffinityCookie(ID).pinned("catalog", "service").pinned("catalog", "legacy").pins == {"catalog": "legacy"}


@pytest.mark.parametrize("side", ["legacy", "service"])
def test_a_signed_side_holds_until_it_expires(side):
    value = SIGNER.signed_side("catalog", side, 1000).encode()
    assert [SIGNER.side("catalog", value, now) for now in (0, 1000, 1001)] == [side, side, None]


def test_a_signed_side_holds_for_its_route_alone():
    value = SIGNER.signed_side("catalog", "service", 1000).encode()
    assert SIGNER.side("cart", value, 0) is None


@pytest.mark.parametrize(
    "value",
    [b"service",
     b"service.9999", b"service.9999.", b"legacy.9999." + b"0" * 32, b"service.9_9.x", b"\xff.1.1", b"beta.1.1",
     "service.٣.x".encode(), b"service." + b"9" * 5000 + b".x"],
)  # fmt: skip
def test_an_unsigned_side_is_none(value):
    assert SIGNER.side("catalog", value, 0) is None


def test_a_side_can_not_be_made_to_hold_longer():
    side, _, signature = SIGNER.signed_side("catalog", "service", 1000).split(".")
    assert SIGNER.side("catalog", f"{side}.2000.{signature}".encode(), 1500) is None


def test_there_is_no_third_side():
    with pytest.raises(ValueError, match="one of legacy, service"):
        SIGNER.signed_side("catalog", "both", 1000)


def test_a_cookie_does_not_pass_for_a_side_nor_the_other_way_about():
    assert SIGNER.side("", SIGNER.dump_cookie(AffinityCookie(ID)), 0) is None
    assert SIGNER.load_cookie(SIGNER.signed_side("catalog", "service", 1000).encode()) is None


def test_without_a_secret_nothing_is_signed_and_nothing_verified():
    assert (Signer([]).able, Signer([]).load_cookie(SIGNER.dump_cookie(AffinityCookie(ID)))) == (False, None)
