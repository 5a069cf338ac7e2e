"""What is made anew each time is known by how it looks."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password

from gateway.parity.anew import made_anew

pytestmark = pytest.mark.long

AT, LATER = 1_800_000_000.0, 1_800_000_060.0  # 2027-01-15 08:00:00 UTC, and a minute after
FOUR, OTHER_FOUR = "0b9d4d2e-5a43-4c5e-9f0c-3d1b7a6f2e11", "7f3a1c9e-2b44-4d8a-8c11-aa5e9d3b6f20"
FIVE, OTHER_FIVE = "886313e1-3b8a-5372-9b90-0c9aee199e5d", "4ebd0208-8328-5d69-8c44-ec50939c0967"


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("2027-01-15 08:00:00.123456", "2027-01-15 08:01:00.9"),  # now, each
        ("2027-01-15 08:00:00+00:00", "2027-01-15 10:01:02+02:00"),
        ("2027-01-29 08:00:00", "2027-01-29 08:01:00"),  # in two weeks
        ("2027-01-15 10:00:00", "2027-01-15 10:01:00"),  # now, in another zone
        (FOUR, OTHER_FOUR),
        (FOUR.replace("-", ""), OTHER_FOUR.replace("-", "")),
    ],
)
def test_clocks_and_random_uuids_are(was, now):
    assert made_anew(was, AT, now, LATER, b"")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("2027-01-15 08:00:00", "2027-01-15 08:00:00+00:00"),
        ("2027-01-15 08:00:00", "2027-01-15 09:01:00"),
        ("2027-01-15 08:00:00", "2027-01-22 08:01:00"),
        ("2027-01-15", "2027-01-16"),
        ("2027-01-15 08:00:00", "soon"),
        (FIVE, OTHER_FIVE),
        (FOUR, OTHER_FIVE),
        (FOUR, "a"),
        (FOUR, FOUR.replace("0b9d", "ojes")),
        ("17", "18"),
        ("paid", "new"),
        ("", "a"),
    ],
)
def test_all_else_is_not(was, now):
    assert not made_anew(was, AT, now, LATER, b"")
    assert not made_anew(now, AT, was, LATER, b"")


@pytest.mark.parametrize("sent", [FOUR, FOUR.upper(), FOUR.replace("-", "")])
def test_a_uuid_that_the_caller_sent_is_not(sent):
    assert not made_anew(FOUR, AT, OTHER_FOUR, LATER, b'{"key": "%s"}' % sent.encode())
    assert made_anew(OTHER_FOUR, AT, FOUR, LATER, b'{"key": "%s"}' % sent.encode())


def test_salts_are_and_algorithms_are_not():
    one, other = make_password("sesame", hasher="pbkdf2_sha256"), make_password("sesame", hasher="pbkdf2_sha256")
    assert made_anew(one, AT, other, LATER, b"")
    assert not made_anew(one, AT, make_password("sesame", hasher="scrypt"), LATER, b"")
    assert not made_anew(one, AT, "sesame", LATER, b"")
