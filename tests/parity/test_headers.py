"""Which headers are compared, and what makes two of them differ."""

from __future__ import annotations

import pytest

from gateway.parity.difference import Severity
from tests.parity.answers import answer, compared, found

B, W = Severity.BREAKING, Severity.WARNING


def headers(*lines):
    return answer({}, "application/json", *lines)


def differences(expected, actual, toml=""):
    """Pointer without "header:" → (severity, detail)."""
    sides = [headers(*([line] if isinstance(line, str) and line else line or ())) for line in (expected, actual)]
    return {d.pointer.removeprefix("header:"): (d.severity, d.detail) for d in compared(*sides, toml).differences}


SAME = [
    ("date: yesterday", "date: today"),
    ("content-length: 1", "content-length: 2"),
    ("x-request-id: 1", "x-request-id: 2"),
    ("etag: 1", 'etag: "2"'),
    ("expires: Thu, 01 Jan 2026 00:00:00 GMT", "expires: Fri, 02 Jan 2026 00:00:00 GMT"),
    ("last-modified: a", "last-modified: b"),
    ("vary: Accept, Cookie", "vary: cookie,accept"),
    ("allow: GET, HEAD", "allow: HEAD, GET"),
    ("cache-control: max-age=0, private", "cache-control: private,max-age=0"),
    ("location: /a/?b=1", "location: http://testserver/a/?b=1"),
    ("location: http://[::1", "location: http://[::1"),
    ("location: HTTP://Example.org", "location: http://example.org/"),
    ('link: </a?page=2>; rel="next", </b>; rel="last"', 'link: </b>; rel="last", <https://x/a?page=2>; rel="next"'),
    ('content-disposition: attachment; filename="a.csv"', "content-disposition: attachment;filename=a.csv"),
    ("access-control-allow-methods: GET, PUT", "access-control-allow-methods: put, get"),
    ("content-security-policy: script-src 'nonce-abc'", "content-security-policy: script-src 'nonce-xyz'"),
    ("content-encoding: identity", "x: y"),
]


@pytest.mark.parametrize(("expected", "actual"), SAME)
def test_what_nobody_can_tell_apart_is_equal(expected, actual):
    assert differences(expected, actual) == {}
    assert differences(actual, expected) == {}


@pytest.mark.parametrize(
    ("expected", "actual", "name", "severity", "detail"),
    [
        ("etag: 1", None, "etag", W, "missing"),
        (None, "last-modified: x", "last-modified", W, "extra"),
        ("vary: Cookie, Accept", "vary: Accept", "vary", B, "-cookie"),
        ("vary: Accept", "vary: Cookie, Accept", "vary", W, "+cookie"),
        ("vary: Accept", None, "vary", B, "missing"),
        ("cache-control: private, max-age=1", "cache-control: max-age=1", "cache-control", B, "-private"),
        ("cache-control: no-store", None, "cache-control", B, "missing"),
        ("cache-control: max-age=1", None, "cache-control", W, "missing"),
        ("cache-control: max-age=1", "cache-control: max-age=2", "cache-control", W, "changed"),
        ("location: /a", "location: /b", "location", B, "changed"),
        ("location: http://a/x", "location: http://b/x", "location", B, "changed"),
        ("location: /a?x=1", "location: /a", "location", B, "changed"),
        ("location: /a", None, "location", B, "missing"),
        ('link: </a?page=2>; rel="next"', 'link: </a?page=3>; rel="next"', "link", B, "changed"),
        ('link: </a>; rel="next", </b>; rel="prev"', 'link: </a>; rel="next"', "link", B, "missing"),
        ("www-authenticate: Bearer", "www-authenticate: Basic", "www-authenticate", B, "scheme changed"),
        ('www-authenticate: Bearer realm="a"', 'www-authenticate: Bearer realm="b"', "www-authenticate", W, "changed"),
        ("allow: GET, PUT", "allow: GET", "allow", W, "-put"),
        ("content-language: de", "content-language: en", "content-language", W, "-de, +en"),
        (
            "content-disposition: attachment; filename=a",
            "content-disposition: inline; filename=a",
            "content-disposition",
            B,
            "attachment → inline",
        ),
        (None, "access-control-allow-origin: *", "access-control-allow-origin", B, "extra"),
        ("access-control-allow-credentials: true", None, "access-control-allow-credentials", B, "missing"),
        ("x-frame-options: DENY", None, "x-frame-options", W, "missing"),
        ("content-encoding: gzip", "content-encoding: identity", "content-encoding", W, "gzip → none"),
    ],
)
def test_what_a_client_or_a_cache_acts_on_is_a_difference(expected, actual, name, severity, detail):
    assert differences(expected, actual)[name] == (severity, detail)


def test_lines_of_the_same_name_are_one_list():
    assert differences(["vary: Accept", "vary: Cookie"], "vary: Accept, Cookie") == {}


# -- Content-Type ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("application/json", "application/json; charset=utf-8"),
        ("text/html; charset=utf-8", "Text/HTML;charset=UTF-8"),
        ("text/html", 'text/html; charset="utf-8"'),
    ],
)
def test_a_charset_that_is_utf_8_anyway_need_not_be_declared(expected, actual):
    assert found(answer("1", expected), answer("1", actual)) == []


def test_another_media_type_is_breaking_and_another_charset_is_not():
    (other,) = compared(answer("1", "application/json"), answer("1", "text/html")).differences
    assert (other.pointer, other.severity, other.detail) == (
        "header:content-type",
        B,
        "application/json → text/html",
    )
    (charset,) = compared(answer("1", "text/html"), answer("1", "text/html; charset=latin-1")).differences
    assert (charset.severity, charset.detail) == (W, "charset utf-8 → latin-1")


def test_a_missing_content_type_is_breaking():
    assert found(answer("1"), answer("1", None)) == [("header", "header:content-type")]


# -- Set-Cookie -----------------------------------------------------------------------------------

COOKIE = (
    "set-cookie: sessionid=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=1209600; expires=Thu, 01 Jan 2027 00:00:00 GMT"
)


@pytest.mark.parametrize(
    "same",
    [
        COOKIE,
        COOKIE.replace("abc", "other"),
        COOKIE.replace("1209600", "3600").replace("2027", "2028"),
        "set-cookie: sessionid=x; expires=Fri, 02 Jan 2027 00:00:00 GMT; max-age=5; samesite=lax; HTTPONLY; path=/",
    ],
)
def test_values_order_and_length_of_a_cookies_life_are_not_compared(same):
    assert differences(COOKIE, same) == {}


@pytest.mark.parametrize(
    ("change", "severity", "detail"),
    [
        (("HttpOnly; ", ""), B, "httponly"),
        (("HttpOnly", "HttpOnly; Secure"), B, "secure"),
        (("SameSite=Lax", "SameSite=None"), B, "samesite"),
        (("Path=/", "Path=/shop"), B, "path"),
        (("Path=/", "Path=/; Domain=example.org"), B, "domain"),
        (("Max-Age=1209600; ", ""), W, "max-age"),
        (("1209600", "0"), B, "deleted"),
    ],
)
def test_an_attribute_of_a_cookie_is_a_difference(change, severity, detail):
    assert differences(COOKIE, COOKIE.replace(*change)) == {"set-cookie:sessionid": (severity, detail)}


def test_a_missing_cookie_is_breaking_and_one_more_is_not():
    assert differences([COOKIE, "set-cookie: a=1"], COOKIE) == {"set-cookie:a": (B, "missing")}
    assert differences(COOKIE, [COOKIE, "set-cookie: a=1"]) == {"set-cookie:a": (W, "extra")}


def test_cookies_of_one_name_for_two_paths_are_two_cookies():
    shop, admin = ("set-cookie: a=1; Path=/shop", "set-cookie: a=2; Path=/admin; HttpOnly")
    assert differences([shop, admin], [shop, admin.replace("; HttpOnly", "")]) == {
        "set-cookie:a /admin": (B, "httponly")
    }
    assert differences([shop, shop], shop) == {}


def test_a_location_that_is_no_url_is_compared_as_it_is_written():
    assert [*differences("location: http://[::1/a", "location: http://[::1/b")] == ["location"]


def test_a_difference_of_cookies_has_no_value_of_them():
    sides = headers(COOKIE), headers(COOKIE.replace("HttpOnly; ", ""))
    assert "abc" not in repr(compared(*sides).differences)


def test_cookies_are_never_compared_as_one_list_even_where_a_rule_names_their_header():
    rule = 'headers = ["Set-Cookie"]'
    sides = headers(COOKIE, "set-cookie: seen=a secret"), headers(COOKIE)
    assert differences([COOKIE, "set-cookie: seen=a secret"], COOKIE, rule) == {"set-cookie:seen": (B, "missing")}
    assert "secret" not in repr(compared(*sides, rule).differences)


# -- rules ----------------------------------------------------------------------------------------


def test_an_ignored_header_is_counted_only():
    sides = headers("vary: Cookie", COOKIE), headers("vary: Accept")
    comparison = compared(*sides, 'ignore_headers = ["Vary", "Set-Cookie"]')
    assert (comparison.differences, comparison.ignored) == ((), 2)


def test_a_header_of_ones_own_is_compared_where_the_rules_name_it():
    assert differences("x-total-count: 1", "x-total-count: 2") == {}
    rule = 'headers = ["X-Total-Count"]'
    assert differences("x-total-count: 1", "x-total-count: 2", rule) == {"x-total-count": (B, "changed")}
    assert differences(None, "x-total-count: 2", rule) == {"x-total-count": (W, "extra")}
