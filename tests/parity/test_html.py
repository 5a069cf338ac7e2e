"""Pages are compared as a browser reads them."""

from __future__ import annotations

import pytest

from tests.parity.answers import compared, found, page

TOKEN = "a" * 32 + "B3" * 16
OTHER = "c" * 32 + "D4" * 16


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("<p>a</p>", "<p >\n  a\n</p>"),
        ('<a href="/x" class="b a">x</a>', "<a class='a  b' href=/x>x</a>"),
        ("<br>", "<br/>"),
        ("<p>one</p>  <p>two</p>", "<p>one</p><p>two</p>"),
        ("<p>a</p><!-- one -->", "<p>a</p>"),
        ("&eacute;", "é"),
        ("<!DOCTYPE html><p>", "<!doctype HTML><p>"),
        ('<input name="csrfmiddlewaretoken" value="1">', '<input value="2" name="csrfmiddlewaretoken">'),
        ('<meta name="csrf-token" content="1">', '<meta name="csrf-token" content="2">'),
        ('<script nonce="1">x</script>', '<script nonce="2">x</script>'),
        (f"<script>let csrfToken = '{TOKEN}'</script>", f"<script>let csrfToken = '{OTHER}'</script>"),
        (f"""<b hx-headers='{{"X-CSRFToken": "{TOKEN}"}}'>""", f"""<b hx-headers='{{"X-CSRFToken": "{OTHER}"}}'>"""),
    ],
)
def test_what_a_browser_reads_alike_is_equal(expected, actual):
    assert found(page(expected), page(actual)) == []


@pytest.mark.parametrize(
    ("expected", "actual", "place"),
    [
        ("<main><p>a</p></main>", "<main><p>b</p></main>", "html:main>p"),
        ("<p><a href=/x>x</a></p>", "<p><a href=/y>x</a></p>", "html:p"),
        ("<p>a</p>", "<div>a</div>", "html:"),
        ("<p>a <b>c</b></p>", "<p>a<b>c</b></p>", "html:p"),
        ("<pre>a\n b</pre>", "<pre>a b</pre>", "html:pre"),
        ("<input name=token value=1>", "<input name=token value=2>", "html:"),
        ("<p>a</p>", "<p>a</p><p>b</p>", "html:"),
        ("</b><p>a</p>", "</i><p>a</p>", "html:"),
    ],
)
def test_what_a_browser_shows_otherwise_is_a_difference(expected, actual, place):
    assert ("html", place) in found(page(expected), page(actual))


def test_an_end_tag_ends_what_was_left_open_in_it():
    was, now = (f"<ul><li>a<li>b</ul><p>{text}</p>" for text in ("c", "d"))
    assert found(page(was), page(now)) == [("html", "html:p")]


def test_an_inserted_row_is_a_difference_of_its_own_only():
    rows = [f"<tr><td>{i}</td></tr>" for i in range(50)]
    more = [*rows[:20], "<tr><td>new</td></tr>", *rows[20:]]
    comparison = compared(page("".join(rows)), page("".join(more)))
    assert len(comparison.differences) == 5
    assert all(difference.kind == "html" for difference in comparison.differences)


@pytest.mark.parametrize(
    "broken", ["<![x", "<!x", "<a <b", "</", "<p>" * 10_000, "<a b='", "&#x110000;", "<?php", "\0", "<script>"]
)
def test_broken_markup_is_compared_all_the_same(broken):
    assert not compared(page(f"{broken} a"), page(f"{broken} b<p>")).equal


@pytest.mark.parametrize("unit", ["<a ", "<a b='>'", "<!--", "</", "<", "<b>", "<script>", "<![x>", "&#x"])
def test_a_hostile_page_is_compared_within_bounds(unit):
    assert not compared(page(unit * 30_000), page(unit * 30_000 + "<p>x")).equal


def test_a_page_that_is_given_up_on_is_compared_as_text():
    comparison = compared(page("<a " * 1000 + "1"), page("<a " * 1000 + "2"))
    assert comparison.errors == ("markup with too many tags that are not closed",)
    assert [difference.kind for difference in comparison.differences] == ["text"]


def test_a_page_too_long_to_parse_is_compared_as_text():
    assert found(page("<p>a</p>" * 70_000), page("<p>a</p>" * 70_000 + "b")) == [("text", "")]
