"""Regular expressions of `re_path` as paths."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.workbench.inventory.regex import Group, pieces


@pytest.mark.parametrize(
    ("regex", "found"),
    [
        (r"^a/b/$", ["a/b/"]),
        (r"^a\.b/\Z", ["a.b/"]),
        (r"^(?P<x>[^/.]+)/y$", [Group("x", "[^/.]+"), "/y"]),
        (r"^(?P<x>(a|b)\)[()])/", [Group("x", r"(a|b)\)[()]"), "/"]),
        (r"^(\d+)-(\w+)$", [Group("", r"\d+"), "-", Group("", r"\w+")]),
        (r"^(?i:a)/", ["/"]),
        (r"^(?!b)a(?=c)c/?$", ["ac/"]),
        (r"^a(?:/(?P<x>[]a]+))?/$", ["a/", Group("x", "[]a]+"), "/"]),
        (r"^(?:a|b)/", [Group("", "(?:a|b)"), "/"]),
        (r"^(?:a/)+c", [Group("", "(?:a/)+"), "c"]),
        (r"^[0-9]{2,3}/\d+$", [Group("", "[0-9]{2,3}"), "/", Group("", r"\d+")]),
        (r"^a|b$", [Group("", "^a|b$")]),
        (r"", []),
    ],
)
def test_pieces(regex, found):
    assert joined(pieces(regex)) == found


def joined(found):
    together = []
    for piece in found:
        if isinstance(piece, str) and together and isinstance(together[-1], str):
            together[-1] += piece
        else:
            together.append(piece)
    return together


@given(st.text(min_size=1))
def test_plain_text_comes_out_as_it_is(text):
    assert "".join(pieces(re.escape(text))) == text
