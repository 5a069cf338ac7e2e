"""What is stored has no secret and nothing about a person in it, and still differs where the answers differ."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.parity.answer import Sql
from gateway.parity.compare import MISSING, Difference, Severity, fingerprint
from gateway.parity.redact.redaction import Redaction, redact, redact_target
from gateway.parity.redact.sensitive import _is_sensitive, is_sensitive
from tests.parity.answers import answer, compared, page, rules, text

REDACTION = Redaction(b"a key of the installation")
SECRETS = st.text("abcdefghjkmnopqrstuvwxyzABCDEFGH23456789", min_size=9, max_size=30).filter(
    lambda text: text not in "[redacted password username]"
)
NAMES = st.sampled_from(["password", "api_key", "authToken", "X-CSRFToken", "email", "first_name", "IBAN", "phone"])
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
CARD, CARD_SPACED = "4111111111111111", "4111 1111 1111 1111"
IBAN = "DE89370400440532013000"
SESSION = "k3j5h2k4j5h6k7j8h9g0f1d2s3a4p5o6"
SHAPES = [JWT, CARD, CARD_SPACED, IBAN, SESSION, "alice@example.org", "sk_live_abcdefghijklmnop1234"]


def stored(expected, actual, toml="", key=REDACTION.key):
    """The differences as they would be stored."""
    comparison = compared(expected, actual, toml)
    return [redact(difference, Redaction(key, rules(toml))) for difference in comparison.differences]


def difference(expected, actual, pointer="/a", kind="primitive"):
    return redact(Difference(kind, pointer, Severity.BREAKING, expected, actual), REDACTION)


# -- by name --------------------------------------------------------------------------------------


@given(NAMES, SECRETS, SECRETS)
def test_a_secret_never_is_in_what_is_stored(name, secret, other):
    assume(secret != other)
    for one, two in [
        (answer({name: secret}), answer({name: other})),
        (answer({"user": {name: [secret]}}), answer({"user": {name: {"x": other}}})),
        (answer({"list": [{name: secret}]}), answer({"list": [{name: secret}, {name: other}]})),
        (answer({"list": [{name: secret}, 1]}), answer({"list": [1, {name: secret}]})),
        (answer({}), answer({"user": {name: other}})),
        (text(f'a {{"{name}": "{secret}"}} b'), text(f'a {{"{name}": "{other}"}} b')),
        (text(f"{name}={secret}&a=1"), text(f"{name}={other}&a=1")),
        (page(f'<input name="{name}" value="{secret}">'), page(f'<input value="{other}" name="{name}">')),
        (page(f"<i>{name}: {secret}</i>"), page(f"<i>{name}: {other}</i>")),
        (
            answer({}, "application/json", f"location: /a?{name}={secret}"),
            answer({}, "application/json", "location: /"),
        ),
        (answer({"u": f"https://x/?{name}={secret}"}), answer({"u": f"https://x/?{name}={other}"})),
        (answer(secret.encode(), "image/png"), answer(other.encode(), "image/png")),
    ]:
        differences = stored(one, two)
        assert differences
        assert secret not in repr(differences)
        assert other not in repr(differences)
        assert all(different.expected != different.actual for different in differences)


@given(SECRETS, SECRETS)
def test_equal_secrets_are_redacted_equally_and_others_are_not(secret, other):
    assume(secret != other)
    (one,) = stored({"password": secret}, {"password": other})
    (again,) = stored({"new_password": other}, {"new_password": secret})
    assert (one.expected, one.actual) == (again.actual, again.expected)
    assert one.expected != one.actual


def test_another_key_redacts_otherwise():
    (one,), (other,) = (stored({"pin": "1234"}, {"pin": "4321"}, key=key) for key in (b"one", b"other"))
    assert one.expected != other.expected
    assert one.expected.startswith('"[redacted ')


def test_a_key_is_needed():
    with pytest.raises(ValueError, match="needs a key"):
        Redaction(b"")


def test_the_key_is_not_shown():
    assert "installation" not in repr(REDACTION)


@pytest.mark.parametrize(
    "name",
    [
        *("password", "new_password1", "passwd", "clientSecret", "access_token", "X-CSRFToken", "csrfmiddlewaretoken"),
        *("sessionid", "apiKey", "API_KEY", "Authorization", "user-email", "emails", "phoneNumber", "IBAN", "card_no"),
        *("ssn", "firstName", "first_name", "lastname", "billing_address", "dateOfBirth", "birth_date", "zip"),
    ],
)
def test_a_name_is_sensitive_however_it_is_written(name):
    assert is_sensitive(name)


@pytest.mark.parametrize("name", ["id", "name", "title", "classname", "cardinality", "discarded", "price", "category"])
def test_other_names_are_not(name):
    assert not is_sensitive(name)


@pytest.mark.parametrize("pointer", ["row:accounts_user:password", "row:authtoken_token:key", "row:people:email"])
def test_a_column_is_covered_by_its_name_or_its_tables(pointer):
    one = difference("open sesame", "closed sesame", pointer, "row")
    assert "sesame" not in repr(one)
    assert one.expected != one.actual


def test_of_a_row_each_column_is_covered_by_its_name_and_the_condition_has_no_literals():
    found = Difference(
        "row", "row:people", Severity.BREAKING, {"email": "x y", "age": "7"}, MISSING, "", "where a = 'b c'"
    )
    one = redact(found, REDACTION)
    assert (one.pointer, one.actual) == ("row:people (where a = '…')", "(absent)")
    assert '"age": "7"' in one.expected
    assert "x y" not in one.expected


def test_more_names_and_places_can_be_given():
    one, other = {"nick": "zorro", "a": {"b": "diego"}}, {"nick": "zorro2", "a": {"b": "diego2"}}
    plain = repr(stored(one, other))
    assert "zorro" in plain
    assert "diego" in plain
    redacted = repr(stored(one, other, 'redact_names = ["Nick"]\nredact_paths = ["/a"]'))
    assert "zorro" not in redacted
    assert "diego" not in redacted


def test_null_and_booleans_say_nothing_of_anybody():
    (one,) = stored({"email": None}, {"email": "alice@example.org"})
    assert one.expected == "null"


# -- by shape -------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", SHAPES)
@pytest.mark.parametrize(
    "place", ["{}", "see {} for more", "({})", '{{"x": "{}"}}', "<td>{}</td>", "a={}&b=1", "12 {} 27"]
)
def test_a_value_of_a_sensitive_shape_is_redacted_anywhere(secret, place):
    value = place.format(secret)
    assert secret not in repr(stored({"note": value}, {"note": "x"}))
    assert secret not in repr(stored(text(value), text("x")))
    assert secret not in repr(stored(page(f"<p>{value}"), page("<p>x")))
    assert secret not in repr(stored({"note": {"note": [value]}}, {}))


@pytest.mark.parametrize("secret", SHAPES)
@pytest.mark.parametrize("place", [0, 70, 80, 81, 200, 1480, 1490, 1500, 1510, 2900, 3000, 5000])
def test_no_edge_of_an_excerpt_cuts_a_secret_in_half(secret, place):
    before = "word " * (place // 5)
    for one, other in [(f"{before}{secret} end", f"{before}end"), (f"{before}{secret} x", f"{before}{secret} y")]:
        shown = repr(stored(text(one), text(other)))
        assert not any(part in shown for part in (secret[:8], secret[-8:]) if part.strip())


def test_numbers_that_are_no_card_are_shown():
    (one,) = stored({"id": 4111111111111112}, {"id": 1})
    assert one.expected == "4111111111111112"
    (card,) = stored({"id": int(CARD)}, {"id": 1})
    assert CARD not in card.expected


@given(SECRETS)
def test_credentials_after_a_scheme_are_redacted(secret):
    assert secret not in repr(stored({"note": f"Bearer {secret}"}, {"note": "x"}))
    assert secret not in repr(stored(text(f"Authorization: Token {secret}"), text("x")))
    assert secret not in repr(stored({"url": f"https://user:{secret}@host/"}, {"url": "x"}))


def test_what_is_no_secret_is_shown():
    (one,) = stored({"name": "Chair", "id": 1}, {"name": "Table", "id": 1})
    assert (one.expected, one.actual) == ('"Chair"', '"Table"')


# -- excerpts -------------------------------------------------------------------------------------


def test_long_texts_are_shown_where_they_differ():
    (one,) = stored(text("a " * 5000 + "old" + " b" * 5000), text("a " * 5000 + "new" + " b" * 5000))
    assert "old" in one.expected
    assert "new" in one.actual
    assert len(one.expected) < 300


def test_where_the_difference_is_cut_off_it_is_still_noticed():
    (one,) = stored({"a": {str(i): i for i in range(100)}}, {"a": [1]})
    assert one.expected != one.actual
    (length,) = [d for d in stored(text("x" * 9000 + "a"), text("x" * 9000 + "b")) if d.kind == "text"]
    assert length.expected != length.actual


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
@pytest.mark.slow
def test_what_is_stored_is_short_text_that_a_database_takes(value):
    for redacted in stored(json.dumps({"a": value, "b": 1}), json.dumps({"b": "x"})):
        for side in (redacted.expected, redacted.actual, redacted.pointer):
            assert len(side) < 600
            assert "\0" not in side
            side.encode()


def test_lone_surrogates_are_written_out():
    (one,) = stored('{"a": "\\ud800\\u0000"}', '{"a": ""}')
    assert one.expected == '"\\ud800\\u0000"'


def test_a_pointer_has_no_personal_data_either():
    (one,) = stored({"alice@example.org": 1}, {"alice@example.org": 2})
    assert "alice" not in one.pointer


@given(st.dictionaries(st.text(max_size=3) | NAMES | st.sampled_from(SHAPES), st.integers(), max_size=4))
def test_a_fingerprint_is_the_same_before_and_after(value):
    for raw in compared(json.dumps({"x": value}), json.dumps({"x": dict.fromkeys(value, "s")})).differences:
        assert fingerprint("t", raw) == fingerprint("t", redact(raw, REDACTION))


def test_absent_values_are_said_to_be_absent():
    assert difference(MISSING, "x").expected == "(absent)"


# -- headers, targets, answers --------------------------------------------------------------------


@given(SECRETS)
def test_an_answer_is_redacted_as_a_whole(secret):
    whole = answer(
        {"token": secret, "name": "Chair"},
        "application/json",
        f"set-cookie: sessionid={secret}; Path=/; HttpOnly",
        f"authorization: Bearer {secret}",
        f"cookie: sessionid={secret}; theme=dark{secret}",
        f"x-api-key: {secret}",
        f"location: /login?next=/&token={secret}",
        sql=Sql(("SELECT * FROM t WHERE x = 'it'".replace("it", secret),), 1),
        failed=f"ValueError: password={secret}",
    )
    redacted = redact(whole, REDACTION)
    assert secret not in repr(redacted)
    assert b'"name": "Chair"' in redacted.body
    assert b"HttpOnly" in redacted.headers[1][1]
    assert redacted.status == 200


@pytest.mark.parametrize(
    "body", [answer(b"\xff\x00", "image/png"), answer("{"), page("<p>x"), answer(b"x", None), answer(b"")]
)
def test_an_answer_with_any_body_can_be_redacted(body):
    assert isinstance(redact(body, REDACTION).body, bytes)


@given(NAMES, SECRETS)
def test_a_target_keeps_its_names_and_loses_its_secrets(name, secret):
    redacted = redact_target(f"/reset/alice%40example.org/?{name}={secret}&page=2#{name}={secret}", REDACTION)
    assert secret not in redacted
    assert "alice" not in redacted
    assert f"{name}=[redacted " in redacted
    assert "page=2" in redacted


def test_a_target_without_secrets_stays_as_it_is():
    for target in ("/", "/api/products/17/?page=2&q=caf%C3%A9+au+lait", "/a?b", "/a#b", "/a//b;c=1"):
        assert redact_target(target, REDACTION) == target


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        (f"/a/?page=2&q={'x' * 2000}", "/a/?page=2"),
        (f"/a/{'x' * 2000}?page=2", "/a"),
        (f"/a/?{'x' * 2000}", "/a/"),
    ],
)
def test_what_of_a_very_long_target_can_not_be_looked_at_is_left_out(target, kept):
    assert redact_target(target, REDACTION) == kept


def test_literals_of_a_repeated_statement_are_left_out():
    statement = "SELECT 1 FROM t WHERE name = 'Alice Smith'"
    one, other = answer({}, sql=Sql((), 5)), answer({}, sql=Sql((statement,) * 5, 5))
    shown = repr(stored(one, other))
    assert "Alice" not in shown
    assert "5 × SELECT 1 FROM t" in shown


def test_names_that_callers_choose_fill_no_memory():
    """Of a long name only the beginning is remembered."""
    is_sensitive("x" * 300 + "1")
    before = _is_sensitive.cache_info().currsize
    is_sensitive("x" * 300 + "2")
    assert _is_sensitive.cache_info().currsize == before


HOSTILE = "a\x1b[2J\x9b31m\r\nWARNING forged\u202e"


def test_what_is_shown_gives_a_terminal_no_orders_and_is_one_line():
    shown = difference(HOSTILE, "b", pointer=f"/{HOSTILE}", kind="text")
    target = redact_target(f"/{HOSTILE}?mail=a@example.org%1b%5b2J", REDACTION)
    mark = fingerprint("GET /", Difference("missing", f"/{HOSTILE}", Severity.BREAKING, "a", MISSING))
    for line in (shown.pointer, shown.expected, target, mark.pointer, mark.summary):
        assert line.isprintable(), line
        assert len(line.splitlines()) == 1


@pytest.mark.parametrize("name", ["code", "state", "ticket", "SAMLResponse", "key"])
def test_what_somebody_logs_in_with_is_redacted_in_a_target(name):
    assert "Splx" not in redact_target(f"/callback?{name}=SplxlOBeZQQYbYS6WxSbIA", REDACTION)
