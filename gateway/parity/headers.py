"""Compares the headers that clients, browsers or caches use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.message import Message
from urllib.parse import urlsplit, urlunsplit

from gateway.parity.answer import Answer
from gateway.parity.cookies import compare_cookies
from gateway.parity.decoding import encodings
from gateway.parity.difference import MISSING, Severity
from gateway.parity.findings import Findings

__all__ = ["compare_headers"]

BREAKING, WARNING = Severity.BREAKING, Severity.WARNING

# The result of a check: None if the values are equivalent, else a severity and a description.
HeaderResult = tuple[Severity, str] | None
Check = Callable[[str, str], HeaderResult]

# Without these, a cache may store or share what it must not.
PROTECTING = frozenset(("no-store", "private", "no-cache", "must-revalidate"))


def compare_headers(expected: Answer, actual: Answer, findings: Findings) -> None:
    """Add the headers that differ: those listed below, Access-Control-*, Set-Cookie, and those that the rules name.
    Others (Date, Content-Length, X-Request-ID …) are not compared."""
    if expected.headers == actual.headers:
        return
    was, now = expected.fields, actual.fields
    for name in sorted({name for name, _ in was.items() ^ now.items()}):
        if name not in CHECKS and not name.startswith("access-control-") and name not in findings.rules.headers:
            continue
        verdict = _verdict(name, was.get(name), now.get(name), expected, actual)
        if verdict is None:
            continue
        if name in findings.rules.ignore_headers:
            findings.ignore()
            continue
        severity, detail = verdict
        place = f"header:{name}"
        findings.add("header", place, was.get(name, MISSING), now.get(name, MISSING), severity=severity, detail=detail)
    compare_cookies(expected, actual, findings)


def _verdict(name: str, was: str | None, now: str | None, expected: Answer, actual: Answer) -> HeaderResult:
    if name == "content-type":
        return _content_type(expected, actual)
    if name == "content-encoding":
        return _content_encoding(expected, actual)
    check, gone, added = CHECKS.get(name, CORS if name.startswith("access-control-") else NAMED)
    if was is not None and now is not None:
        return check(was, now)
    if name == "cache-control" and now is None:
        gone = (_cache_control(was or "", "") or (gone, ""))[0]
    return (gone, "missing") if now is None else (added, "extra")


def _content_type(expected: Answer, actual: Answer) -> HeaderResult:
    """Another media type is breaking. Another charset is a warning, since the bodies are compared as text: if the bytes
    are different text in it, that is a difference of the bodies. Without a declaration it is UTF-8."""
    was, now = expected.media_type, actual.media_type
    if was != now:
        return BREAKING, f"{was or 'none'} → {now or 'none'}"
    if expected.charset != actual.charset:
        return WARNING, f"charset {expected.charset} → {actual.charset}"
    return None


def _content_encoding(expected: Answer, actual: Answer) -> HeaderResult:
    """A warning: the bodies are compared decoded, and whether to compress is up to the server (RFC 9110 §12.5.3)."""
    was, now = encodings(expected), encodings(actual)
    return (WARNING, f"{', '.join(was) or 'none'} → {', '.join(now) or 'none'}") if was != now else None


def _changed(severity: Severity) -> Check:
    """Any other value is a difference."""
    return lambda was, now: (severity, "changed") if was != now else None


def _presence(_was: str, _now: str) -> HeaderResult:
    """Only whether it is there: its value differs for every response."""
    return None


def _members(value: str) -> frozenset[str]:
    return frozenset(" ".join(part.lower().split()) for part in value.split(",") if part.strip())


def _set(gone: Severity, added: Severity) -> Check:
    """A comma-separated set without order or case."""

    def check(was: str, now: str) -> HeaderResult:
        lost, new = _members(was) - _members(now), _members(now) - _members(was)
        if not lost and not new:
            return None
        detail = ", ".join([f"-{member}" for member in sorted(lost)] + [f"+{member}" for member in sorted(new)])
        return gone if lost else added, detail

    return check


def _cache_control(was: str, now: str) -> HeaderResult:
    """Breaking if a directive is missing that keeps a response fresh, or out of shared caches."""
    lost, new = _members(was) - _members(now), _members(now) - _members(was)
    if not lost and not new:
        return None
    protecting = {directive.partition("=")[0] for directive in lost} & PROTECTING
    kept = {directive.partition("=")[0] for directive in _members(now)}
    return (BREAKING, "-" + ", -".join(sorted(protecting - kept))) if protecting - kept else (WARNING, "changed")


def _location(was: str, now: str) -> HeaderResult:
    return (BREAKING, "changed") if len({*_comparable(was, now)}) > 1 else None


def _comparable(was: str, now: str) -> tuple[str, str]:
    """Two URLs in a form that is equal if they lead to the same place: without scheme and host if one is relative,
    since the client resolves it (RFC 9110 §10.2.2); else with both in lower case."""
    try:
        first, second = urlsplit(was), urlsplit(now)
    except ValueError:
        return was, now
    if bool(first.netloc) != bool(second.netloc):
        first, second = (parts._replace(scheme="", netloc="") for parts in (first, second))
    normal = [
        urlunsplit(parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), path=parts.path or "/"))
        for parts in (first, second)
    ]
    return normal[0], normal[1]


def _content_disposition(was: str, now: str) -> HeaderResult:
    """`attachment` prevents a browser from running a user's upload; a file's name matters less."""
    first, second = _parameters(was), _parameters(now)
    if first[0] != second[0]:
        return BREAKING, f"{first[0][:20]} → {second[0][:20]}"
    return (WARNING, "changed") if first != second else None


def _parameters(value: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    message = Message()
    message["content-disposition"] = re.sub(r"[\r\n]", " ", value)
    found = message.get_params(header="content-disposition", unquote=True) or [("", "")]
    return found[0][0].lower(), tuple(sorted((name.lower(), str(content)) for name, content in found[1:]))


LINK = re.compile(r"<([^>]*)>([^,<]*)")


def _link(was: str, now: str) -> HeaderResult:
    """The same links in any order. Clients page by rel="next", so a missing or different one is breaking."""
    first, second = _links(was), _links(now)
    for relation, target in first.items():
        other = second.get(relation)
        if other is None or len({*_comparable(target, other)}) > 1:
            return BREAKING, "missing" if other is None else "changed"
    return (WARNING, "extra") if len(second) > len(first) else None


def _links(value: str) -> dict[str, str]:
    return {"".join(sorted(parameters.lower().split())) or target: target for target, parameters in LINK.findall(value)}


def _challenge(was: str, now: str) -> HeaderResult:
    """Another scheme is breaking, another realm is not."""
    first, second = was.split(None, 1)[:1], now.split(None, 1)[:1]
    if [scheme.lower() for scheme in first] != [scheme.lower() for scheme in second]:
        return BREAKING, "scheme changed"
    return (WARNING, "changed") if was != now else None


NONCE = re.compile(r"'nonce-[^']*'")


def _policy(was: str, now: str) -> HeaderResult:
    """A Content-Security-Policy without its nonces, directives in any order."""
    first, second = (_members(NONCE.sub("'nonce'", value).replace(";", ",")) for value in (was, now))
    return (WARNING, "changed") if first != second else None


# Name → how two values are compared, the severity if the service lacks it, and the severity if only the service has it.
CheckRow = tuple[Check, Severity, Severity]
SAME_VALUE: CheckRow = (_changed(WARNING), WARNING, WARNING)
PRESENCE: CheckRow = (_presence, WARNING, WARNING)
CORS: CheckRow = (_changed(BREAKING), BREAKING, BREAKING)
NAMED: CheckRow = (_changed(BREAKING), BREAKING, WARNING)  # for [routes.compare] headers: clients read them
CORS_SET: CheckRow = (_set(BREAKING, BREAKING), BREAKING, BREAKING)
CHECKS: Mapping[str, CheckRow] = {
    "content-type": CORS,  # by _content_type
    # Without a member of Vary a cache serves one caller's response to another; with one more it only stores more of
    # them.
    "vary": (_set(BREAKING, WARNING), BREAKING, WARNING),
    "cache-control": (_cache_control, WARNING, WARNING),
    "etag": PRESENCE,
    "expires": PRESENCE,
    "last-modified": PRESENCE,
    "retry-after": PRESENCE,
    "location": (_location, BREAKING, BREAKING),
    "content-disposition": (_content_disposition, BREAKING, WARNING),
    "content-language": (_set(WARNING, WARNING), WARNING, WARNING),
    "content-encoding": SAME_VALUE,  # by _content_encoding
    "link": (_link, BREAKING, WARNING),
    "allow": (_set(WARNING, WARNING), WARNING, WARNING),
    "www-authenticate": (_challenge, BREAKING, WARNING),
    # Set by Django's SecurityMiddleware and others: no client breaks without them, but pages are less safe.
    "content-security-policy": (_policy, WARNING, WARNING),
    "cross-origin-opener-policy": SAME_VALUE,
    "permissions-policy": SAME_VALUE,
    "referrer-policy": SAME_VALUE,
    "strict-transport-security": SAME_VALUE,
    "x-content-type-options": SAME_VALUE,
    "x-frame-options": SAME_VALUE,
    "access-control-allow-headers": CORS_SET,
    "access-control-allow-methods": CORS_SET,
    "access-control-expose-headers": CORS_SET,
    "access-control-max-age": SAME_VALUE,
}
