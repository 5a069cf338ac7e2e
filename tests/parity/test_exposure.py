"""What only the service shows and nobody should see."""

from __future__ import annotations

import pytest

from gateway.parity.compare import Severity
from gateway.parity.redact.redaction import Redaction, redact
from tests.parity.answers import answer, compared

CRITICAL, BREAKING, WARNING = Severity.CRITICAL, Severity.BREAKING, Severity.WARNING

HASHES = [
    "pbkdf2_sha256$1000000$Jk2bq1$zXv9sJbRk0s=",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA",
    "bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuv",
    "$2b$12$KIXQJ5Y1mN0x3pQ7s9t1uO",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "Bearer 0123456789abcdef",
    "postgresql://shop:hunter2@db/shop",
    "sk_live_0123456789abcdef",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
]


def differences(expected, actual, toml=""):
    return [(one.kind, one.pointer, one.severity) for one in compared(expected, actual, toml).differences]


@pytest.mark.parametrize(
    "name",
    [
        *("password", "newPassword", "api_key", "auth_token", "sessionid", "client-secret", "csrfToken", "cvv", "ssn"),
        *("recovery_codes", "backupCode", "totp", "activation_code"),
    ],
)
def test_a_new_field_with_a_secrets_name_is_critical(name):
    assert differences({"a": 1}, {"a": 1, name: "x"}) == [("secret", f"/{name}", CRITICAL)]
    assert differences({"a": 1}, {"a": 1, name: None}) == [("secret", f"/{name}", CRITICAL)]


@pytest.mark.parametrize("value", HASHES)
def test_a_new_field_with_a_secrets_shape_is_critical(value):
    assert differences({"a": 1}, {"a": 1, "note": value}) == [("secret", "/note", CRITICAL)]
    assert differences({"note": "****"}, {"note": value}) == [("secret", "/note", CRITICAL)]
    assert differences({"note": None}, {"note": value}) == [("secret", "/note", CRITICAL)]


TOKEN = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"


@pytest.mark.parametrize("name", ["key", "apiV1Key", "access", "refresh", "salt"])
def test_an_opaque_string_under_what_keys_are_called_is_critical(name):
    assert differences({}, {name: TOKEN}) == [("secret", f"/{name}", CRITICAL)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("id", TOKEN), ("checksum", TOKEN), ("key", "sort-by-name"), ("key", "550e8400-e29b-41d4-a716-446655440000")],
)
def test_an_identifier_is_none(name, value):
    assert differences({}, {name: value}) == [("extra", f"/{name}", WARNING)]


def test_a_secret_is_found_wherever_it_stands_in_what_is_new():
    assert differences([{"a": 1}], [{"a": 1, "owner": {"keys": ["x"], "login": {"password": "x"}}}]) == [
        ("secret", "/0/owner/login/password", CRITICAL)
    ]
    assert differences({}, {"tokens": ["x", "y"]}) == [
        ("secret", "/tokens/1", CRITICAL),
        ("secret", "/tokens/0", CRITICAL),
    ]


def test_new_personal_data_is_breaking():
    assert differences({}, {"email": "x"}) == [("personal", "/email", BREAKING)]
    assert differences({}, {"contact": "alice@example.org"}) == [("personal", "/contact", BREAKING)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("has_password", True),
        ("sessions", 3),
        ("pineapple", "x"),
        ("cardinality", "x"),
        ("colour", "red"),
        ("city", ""),
    ],
)
def test_any_other_new_field_is_a_warning(name, value):
    assert differences({}, {name: value}) == [("extra", f"/{name}", WARNING)]


def test_what_both_sides_show_is_no_exposure():
    assert differences({"token": "a"}, {"token": "b"}) == [("primitive", "/token", BREAKING)]


def test_what_is_ignored_is_not_looked_at():
    assert differences({}, {"page_token": "x"}, 'ignore = ["/page_token"]') == []
    assert differences({}, {"page": {"token": "x"}}, 'ignore = ["/page"]') == []


def test_a_route_may_say_that_a_name_is_no_secret():
    assert differences({}, {"page_token": "x"}, '[severity]\n"secret /page_token" = "note"') == [
        ("secret", "/page_token", Severity.NOTE)
    ]


@pytest.mark.parametrize("value", [*HASHES, "hunter2"])
def test_an_exposed_value_is_never_stored(value):
    for one in compared({}, {"password": value, "note": {"token": value}}).differences:
        assert one.kind == "secret"
        assert value not in repr(redact(one, Redaction(b"key")))


@pytest.mark.parametrize("status", [401, 403])
def test_an_answer_to_whom_legacy_refuses_one_is_critical(status):
    (one,) = compared(answer({}, status=status), answer({}, status=200)).differences
    assert (one.kind, one.pointer, one.severity) == ("access", "status", CRITICAL)


def test_a_page_instead_of_the_login_page_is_critical():
    login = answer("", "text/html", "location: /accounts/login/?next=/orders/", status=302)
    elsewhere = answer("", "text/html", "location: /orders/", status=302)
    assert [one.kind for one in compared(login, answer({})).differences] == ["access"]
    assert [one.kind for one in compared(elsewhere, answer({})).differences] == ["status"]


def test_a_refusal_where_legacy_answers_is_breaking():
    (one,) = compared(answer({}), answer({}, status=403)).differences
    assert (one.kind, one.severity) == ("status", BREAKING)
