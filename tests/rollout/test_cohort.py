"""Sticky key → bucket → in or out."""

from __future__ import annotations

import pytest
from django.http.cookie import parse_cookie
from hypothesis import given
from hypothesis import strategies as st

from gateway.rollout.cohort import BUCKETS, LONGEST_KNOWN, MOST_KNOWN, Cohorts, cookie_value

KEYS = [f"user:{number}".encode() for number in range(100_000)]


@pytest.mark.parametrize(
    ("group", "key", "bucket"),
    [("catalog", b"user:1", 2646), ("catalog", b"user:2", 4950), ("cart", b"user:1", 3686), ("", b"", 4711)],
)
def test_buckets_never_change(group, key, bucket):
    """Another hash would let callers change sides with an upgrade."""
    assert Cohorts(group).bucket(key) == bucket


@given(st.text(), st.binary())
def test_a_key_has_one_bucket_of_ten_thousand(group, key):
    bucket = Cohorts(group).bucket(key)
    assert bucket == Cohorts(group).bucket(key)
    assert 0 <= bucket < BUCKETS


@pytest.mark.long
@pytest.mark.parametrize("weight", [1, 10, 25, 50, 90])
@pytest.mark.parametrize("group", ["catalog", "cart"])
def test_a_weight_takes_its_share_within_a_percent(group, weight):
    cohorts = Cohorts(group)
    taken = sum(cohorts.bucket(key) < weight * 100 for key in KEYS)
    assert abs(taken / len(KEYS) - weight / 100) < 0.01


def test_a_bucket_is_the_same_when_it_is_remembered_and_after_it_was_forgotten():
    cohorts = Cohorts("catalog")
    first = cohorts.bucket(b"user:1")
    assert cohorts.bucket(b"user:1") == first
    for key in KEYS[: 2 * MOST_KNOWN]:
        cohorts.bucket(key)
    assert cohorts.bucket(b"user:1") == first == 2646


def test_callers_cannot_make_a_process_remember_without_bound():
    cohorts = Cohorts("catalog")
    for key in KEYS[: 2 * MOST_KNOWN]:
        cohorts.bucket(key)
    before = cohorts._remembered.cache_info()
    assert cohorts.bucket(b"x" * (LONGEST_KNOWN + 1)) == cohorts.bucket(b"x" * (LONGEST_KNOWN + 1))
    assert (before.currsize, cohorts._remembered.cache_info()) == (MOST_KNOWN, before)


def test_who_is_early_for_one_group_need_not_be_early_for_another():
    """Of those in the first tenth of one, a tenth is in the first tenth of the other."""
    one, other = Cohorts("catalog"), Cohorts("cart")
    early = [key for key in KEYS if one.bucket(key) < 1000]
    both = sum(other.bucket(key) < 1000 for key in early)
    assert abs(both / len(early) - 0.1) < 0.02


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b"sessionid=abc", b"abc"),
        (b"a=1; sessionid=abc; b=2", b"abc"),
        (b"a=1;sessionid=abc", b"abc"),
        (b"a=1; sessionid = abc ", b"abc"),
        (b"a=b sessionid=abc", None),
        (b"sessionid=abc; xsessionid=d", b"abc"),
        (b"a=sessionid=d; sessionid=abc", b"abc"),
        (b"sessionid=old; sessionid=new", b"new"),
        (b"xsessionid=abc", None),
        (b"a=sessionid", None),
        (b'sessionid="1"', b"1"),
        (b'a=b; sessionid="a\\054b"; c=d', b"a,b"),
        (b"sessionid=\xe9", b"\xe9"),
        (b"sessionid", None),
        (b"sessionid=", b""),
        (b"", None),
    ],
)
def test_a_cookie_is_found_as_django_finds_it(header, value):
    assert cookie_value(header, b"sessionid") == value


PIECES = ["sid", "sid=", "xsid=", "=", ";", "; ", " ", '"', "\\", "\\141", "a", "b", "\xa0", "\x1f", "\t"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_a_cookie_has_the_value_that_django_reads(header):
    """Or somebody who is logged in could choose a side, by writing his session's cookie in another way."""
    found = cookie_value(header.encode("latin-1"), b"sid")
    assert (None if found is None else found.decode("latin-1")) == parse_cookie(header).get("sid")
