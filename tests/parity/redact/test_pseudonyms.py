"""Pseudonyms: of the same shape, the same for the same value, and nothing of it is left."""

import json
import re
import uuid
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parity.pointer import compile_patterns
from gateway.parity.redact.json_text import redacted_json
from gateway.parity.redact.pseudonyms import Pseudonyms
from gateway.parity.redact.sensitive import is_card, is_iban

NOTHING = compile_patterns(())


def make(key=b"key", names=(), paths=()):
    return Pseudonyms(key, frozenset(names), compile_patterns(paths))


@pytest.fixture
def pseudonyms():
    return make()


def rewritten(document, pseudonyms=None):
    return json.loads(redacted_json(json.dumps(document), pseudonyms or make()))


SHAPES = {
    "Ada Lovelace": r"[A-Z][a-z]{2} [A-Z][a-z]{7}",
    "ada@shop.example.org": r"[a-z0-9]{12}@example\.com",
    "+49 (30) 1234-5": r"\+\d\d \(\d\d\) \d{4}-\d",
    "SW1A 1AA": r"[A-Z]{2}\d[A-Z] \d[A-Z]{2}",
    "192.168.1.20": r"10\.\d{1,3}\.\d{1,3}\.\d{1,3}",
    "9f86d081884c7d659a2feaa0c55ad015": r"[0-9a-f]{32}",
    "1980-02-29": r"\d{4}-\d\d-\d\d",
    "1980-02-29T10:00:00Z": r"\d{4}-\d\d-\d\dT10:00:00Z",
    "1980-13-40": r"\d{4}-\d\d-\d\d",  # no day
    "0001-01-01": r"\d{4}-\d\d-\d\d",  # before which there is none
    "Größe": r"[A-Z][a-z]{4}",
    "": r"",
}


@pytest.mark.parametrize("value", SHAPES)
def test_a_pseudonym_has_the_shape_of_its_value(pseudonyms, value):
    made = pseudonyms.mask(value)
    assert re.fullmatch(SHAPES[value], made)
    assert made != value or not value


def test_what_a_validator_checks_holds(pseudonyms):
    card, iban = pseudonyms.mask("4111 1111 1111 1111"), pseudonyms.mask("DE89 3704 0044 0532 0130 00")
    assert is_card(card.replace(" ", ""))
    assert card != "4111 1111 1111 1111"
    assert is_iban(iban.replace(" ", ""))
    assert iban[:2] == "DE"
    made = uuid.UUID(pseudonyms.mask("1b4e28ba-2fa1-41d2-883f-0016d3cca427"))
    assert (made.version, made.variant) == (4, uuid.RFC_4122)
    assert date.fromisoformat(pseudonyms.mask("2000-02-29"))


@given(st.text(min_size=1))
def test_the_same_value_has_the_same_pseudonym_under_the_same_key(value):
    assert make().mask(value) == make().mask(value)


@given(st.text(st.characters(categories=["L"], max_codepoint=0x24F), min_size=8))
def test_another_key_gives_another_pseudonym(value):
    assert make(b"one").mask(value) != make(b"other").mask(value)


@given(st.text())
def test_nothing_breaks_it(value):
    assert len(make().mask(value)) == len(value) or "@" in value or value.count(".") == 3


def test_addresses_are_joined_whatever_their_case_and_wherever_they_stand(pseudonyms):
    made = pseudonyms.mask("Ada@Example.org")
    assert pseudonyms.mask("ada@example.org") == made
    assert pseudonyms.text("write to ada@example.org, please") == f"write to {made}, please"
    assert pseudonyms.text("email=ada@example.org") == f"email={made}"
    assert pseudonyms.target("/u/ada@example.org/?email=ada%40example.org") == (
        f"/u/{made}/?email={made.replace('@', '%40')}"
    )


def test_beyond_so_many_values_pseudonyms_are_the_same_and_only_not_remembered(monkeypatch):
    before = make().mask("ada@shop.example.org")
    monkeypatch.setattr("gateway.parity.redact.pseudonyms.MOST", 0)
    assert make().mask("ada@shop.example.org") == before


def test_a_password_does_not_even_keep_its_length(pseudonyms):
    assert len(pseudonyms.secret("password", "x")) == len(pseudonyms.secret("new_password", "x" * 50)) == 16
    assert pseudonyms.secret("password", "") == ""


# -- JSON ------------------------------------------------------------------------------------------


def test_all_else_stays_as_it_was_written(pseudonyms):
    text = '{ "id" : 7,\n "price": 12.50, "big": 123456789012345678901234567890, "a": [1e5, null, true], "n": "x" }'
    assert redacted_json(text, pseudonyms) == text


def test_names_decide_and_so_does_what_they_are_in():
    found = rewritten({"name": "Ada", "first_name": "Ada", "address": {"street": "Elm 5", "floor": 3, "lift": True}})
    assert found["name"] == "Ada"
    assert found["first_name"] != "Ada"
    assert found["address"]["street"] != "Elm 5"
    assert found["address"]["lift"] is True


def test_references_to_rows_stay_or_nothing_would_be_found():
    key = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
    document = {"address_id": 5, "address": {"id": 9}, "phone_uuid": key, "emails_pk": "12"}
    assert rewritten(document) == document


def test_what_lets_somebody_in_is_no_reference():
    key = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
    found = rewritten({"session_id": key, "national_id": 123456, "token": 5})
    assert found["session_id"] != key
    assert found["national_id"] != 123456


def test_numbers_keep_their_digits_and_places_stay_on_the_map():
    found = rewritten({"phone": 491234567, "latitude": 52.5200, "pin": 1003})
    assert len(str(found["phone"])) == 9
    assert 52 <= found["latitude"] < 53
    assert 1000 <= found["pin"] <= 9999


def test_more_names_and_places_can_be_named():
    pseudonyms = make(names=["nick"], paths=["/results/*/note"])
    found = rewritten({"nick": "ada", "results": [{"note": "abc", "id": 1}, {"note": "def"}]}, pseudonyms)
    assert found["nick"] != "ada"
    assert [one["note"] == old for one, old in zip(found["results"], ["abc", "def"], strict=True)] == [False, False]


def test_objects_whose_names_are_addresses(pseudonyms):
    (name,) = rewritten({"ada@example.org": 1}, pseudonyms)
    assert name == pseudonyms.mask("ada@example.org")


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nonsense", '{"a": "b'])
def test_what_is_no_json_is_refused(pseudonyms, text):
    with pytest.raises(ValueError, match=r"line 1|Expecting"):
        redacted_json(text, pseudonyms)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["abc", "name", "email", "id"]), inner),
)


@given(json_values)
def test_the_structure_is_the_same(value):
    def structure(value):
        if isinstance(value, dict):
            return {name: structure(inner) for name, inner in value.items()}
        return [structure(item) for item in value] if isinstance(value, list) else type(value)

    assert structure(rewritten(value)) == structure(value)


@given(st.dictionaries(st.sampled_from(["email", "phone", "street", "last_name"]), st.text("abcXYZ", min_size=10)))
def test_no_personal_value_is_left(document):
    shown = redacted_json(json.dumps(document), make())
    assert not any(value in shown for value in document.values())
