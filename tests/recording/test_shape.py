"""What makes two bodies alike."""

import json

import pytest

from gateway.recording.shape import MOST_FIELDS, MOST_LOOKED_AT, named_values, shape_of

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def shape(value):
    return shape_of(JSON, json.dumps(value).encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": "x"}, {"b": "y", "a": 2.5}),
        ([1, 2, 3], [7]),
        ([{"a": 1}, {"a": None}], [{"a": None}, {"a": 5}, {"a": 6}]),
        ({"17": 1, "18": 2}, {"99": 5}),
    ],
)
def test_values_and_numbers_of_items_make_no_difference(one, other):
    assert shape(one) == shape(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": None}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1, "b": 1}),
        ({"a": "x"}, {"a": ""}),
        ([], [1]),
        ([1], [1, "x"]),
        ({}, []),
    ],
)
def test_types_names_and_emptiness_do(one, other):
    assert shape(one) != shape(other)


def test_forms_go_by_their_names():
    assert shape_of(FORM, b"a=1&b=2") == shape_of(FORM, b"b=9&a=8&a=7") != shape_of(FORM, b"a=1")
    upload = b'--x\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\n\r\nx\r\n--x--'
    plain = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n--x--'
    multipart = "multipart/form-data"
    assert shape_of(multipart, upload % b"a") == shape_of(multipart, upload % b"b") != shape_of(multipart, plain)


def test_all_else_goes_by_its_media_type():
    assert shape_of("text/html", b"<p>") == shape_of("text/html", b"<b>") == "text/html"
    assert shape_of(JSON, b"nonsense") == JSON
    assert shape_of(JSON, b"") == ""


def test_what_is_deep_or_long_is_bounded():
    assert shape_of(JSON, b"[" * 100_000) == JSON
    deep = shape_of(JSON, b'{"a":' * 500 + b"1" + b"}" * 500)
    assert len(deep) < 200
    assert len(shape({f"k{number}": 1 for number in range(5000)})) < 5000


def test_a_form_of_very_many_fields_has_no_names():
    assert shape_of(FORM, b"&".join([b"a=1"] * (MOST_FIELDS + 1))) == "form "


def test_named_values_are_looked_for_among_so_many():
    def body(before):
        return json.dumps([*[{"x": 1}] * before, {"status": "new"}]).encode()

    assert named_values(["status"], "", JSON, body(10)) == ('"new"',)
    assert named_values(["status"], "", JSON, body(MOST_LOOKED_AT)) == ("",)
    assert named_values(["status"], "", JSON, b"7", b"nonsense", body(0)) == ('"new"',)


def test_named_values_are_found_in_query_form_and_json():
    body = json.dumps({"items": [{"status": "new"}], "n": 1}).encode()
    assert named_values(["status"], "", JSON, body) == ('"new"',)
    assert named_values(["status"], "status=old", JSON, body) == ("old",)
    assert named_values(["status", "x"], "", FORM, b"status=a&status=b") == ("a", "")
    assert named_values([], "status=1", JSON, body) == ()
