"""What a caller sent is marked until a field has read it, and behaves as before."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from gateway.bridge.drf.sent import SentCookies, SentForm, SentHeaders, SentQuery, is_sent, plain, sent

VALUES = ["text", 1, 1.5, ["text", 2], {"name": {"number": 1.5, "list": ["text"]}}]
NEVER = [True, False, None]


def kinds(value: object) -> object:
    """The value with the exact types of everything in it."""
    if isinstance(value, dict):
        return type(value), [(kinds(name), kinds(item)) for name, item in value.items()]
    if isinstance(value, list):
        return type(value), [kinds(item) for item in value]
    return type(value), value


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_the_same_with_its_mark_and_the_mark_comes_off(value):
    marked = sent(value)
    assert marked == value
    assert is_sent(marked)
    assert not is_sent(value)
    assert kinds(plain(marked)) == kinds(value)


def test_everything_in_a_body_is_marked():
    marked = sent({"name": ["text", {"number": 1.5}]})
    [name], [items] = marked.keys(), marked.values()
    assert all(map(is_sent, (name, items, items[0], items[1], items[1]["number"], *items[1])))


@pytest.mark.parametrize("value", NEVER)
def test_there_is_no_mark_for_true_false_and_null(value):
    assert sent(value) is value
    assert plain(value) is value
    assert not is_sent(sent(value))


def test_a_file_is_marked_itself_and_not_copied():
    file = SimpleUploadedFile("a.txt", b"text")
    assert not is_sent(file)
    assert sent(file) is file
    assert is_sent(file)
    assert plain(file) is file
    assert not is_sent(file)


def test_a_text_stays_marked_as_starlette_copies_it():
    assert is_sent(str(sent("text")))


PLACES = {
    "one header": lambda: SentHeaders({"x-a": "1"})["X-A"],
    "every header": lambda: SentHeaders(raw=[(b"x-a", b"1"), (b"x-a", b"2")]).getlist("x-a"),
    "a cookie": lambda: SentCookies(a="1")["a"],
    "a cookie that may be missing": lambda: SentCookies(a="1").get("a"),
    "every parameter": lambda: SentQuery("a=1&a=2").getlist("a"),
    "every field": lambda: SentForm([("a", "1"), ("a", "2")]).getlist("a"),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_read_from_a_request_is_marked(place):
    found = PLACES[place]()
    assert is_sent(found)
    assert found in ("1", ["1", "2"])


def test_a_cookie_that_is_missing_is_what_the_service_says():
    assert SentCookies().get("a", "default") == "default"
    assert not is_sent(SentCookies().get("a", "default"))
