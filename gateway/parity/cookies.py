"""Compares Set-Cookie headers: which cookies are set, with which attributes (RFC 6265 §4.1), never their values."""

from __future__ import annotations

from gateway.parity.answer import Answer
from gateway.parity.difference import MISSING, Severity
from gateway.parity.findings import Findings

__all__ = ["compare_cookies"]

EPOCH = "1970"  # Expires of a deleted cookie in Django, Starlette and most others
# Attributes that decide who gets or reads a cookie.
DECISIVE = ("path", "domain", "secure", "httponly", "samesite", "partitioned", "deleted")
LASTING = ("max-age", "expires")

Attributes = dict[str, str]


def compare_cookies(expected: Answer, actual: Answer, findings: Findings) -> None:
    """Add cookies that are missing or added, and attributes that differ: "header:set-cookie:NAME"."""
    was, now = _cookies(expected), _cookies(actual)
    if was == now:
        return
    if "set-cookie" in findings.rules.ignore_headers:
        findings.ignore()
        return
    for name in [*was, *(name for name in now if name not in was)]:
        before, after = was.get(name), now.get(name)
        place = f"header:set-cookie:{name}"
        if before is None or after is None:
            _one_sided(place, before, after, findings)
        elif before != after:
            changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
            severity = Severity.BREAKING if set(changed) & set(DECISIVE) else Severity.WARNING
            detail = ", ".join(changed)
            findings.add("cookie", place, _shown(before), _shown(after), severity=severity, detail=detail)


def _one_sided(place: str, before: Attributes | None, after: Attributes | None, findings: Findings) -> None:
    if after is None:
        findings.add("cookie", place, _shown(before or {}), MISSING, detail="missing")
    else:
        findings.add("cookie", place, MISSING, _shown(after), severity=Severity.WARNING, detail="extra")


def _cookies(answer: Answer) -> dict[str, Attributes]:
    """The attributes by cookie; of two with the same name the last, which a browser keeps. Two with different paths or
    domains are two cookies."""
    cookies: dict[str, Attributes] = {}
    for key, line in answer.headers:
        if key == b"set-cookie":
            pair, *attributes = line.decode("latin-1").split(";")
            name, _, value = pair.partition("=")
            read = _attributes(attributes, value.strip().strip('"'))
            name = name.strip()
            if name in cookies and any(cookies[name].get(key) != read.get(key) for key in ("path", "domain")):
                name += f" {read.get('domain', '')}{read.get('path', '')}"
            cookies[name] = read
    return cookies


def _attributes(written: list[str], value: str) -> Attributes:
    found: Attributes = {}
    for attribute in written:
        name, _, content = attribute.partition("=")
        found[name.strip().lower()] = content.strip()
    if found.get("max-age", "").strip() in ("0", "-1") or (not value and EPOCH in found.get("expires", "")):
        found["deleted"] = "yes"
    found = {key: found[key] for key in (*DECISIVE, *LASTING) if key in found}
    for key in LASTING:
        if key in found:
            found[key] = "set"
    for key in ("samesite", "domain"):
        if key in found:
            found[key] = found[key].lower().lstrip(".")
    return found


def _shown(attributes: Attributes) -> str:
    return "; ".join(f"{key}={value}" if value else key for key, value in attributes.items()) or "no attributes"
