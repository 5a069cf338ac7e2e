"""Compares two bodies, according to their Content-Type."""

from __future__ import annotations

from typing import Any, Literal

from gateway.parity.answer import Answer
from gateway.parity.decoding import (
    UnreadableBody,
    decoded,
    encodings,
    parse_json,
    same_tokens,
    text_of,
)
from gateway.parity.difference import MISSING
from gateway.parity.findings import Findings
from gateway.parity.lists import by_position
from gateway.parity.markup import Token, tokens
from gateway.parity.values import compare_values

__all__ = ["compare_bodies", "form_of"]

Form = Literal["json", "html", "text", "bytes"]
LARGEST_PAGE = 512 * 1024  # characters of a page that is parsed; longer ones are compared as text
TEXTUAL = ("application/javascript", "application/xml", "application/x-www-form-urlencoded", "application/x-ndjson")


def form_of(media: str | None) -> Form | None:
    """How bodies of a media type are compared; None without one."""
    if media is None:
        return None
    if media == "application/json" or media.endswith("+json"):
        return "json"
    if media in ("text/html", "application/xhtml+xml"):
        return "html"
    return "text" if media.startswith("text/") or media.endswith("+xml") or media in TEXTUAL else "bytes"


def compare_bodies(expected: Answer, actual: Answer, findings: Findings) -> None:
    """Add the differences between the bodies. Equal bytes are not parsed. Raises Exhausted (see Findings.spend)."""
    if findings.rules.ignores("") or (expected.body == actual.body and encodings(expected) == encodings(actual)):
        if expected.body != actual.body:
            findings.ignore()
        return
    bodies = _both(expected, actual, findings, decoded)
    if bodies is None or bodies[0] == bodies[1]:
        return
    form = _common(form_of(expected.media_type), form_of(actual.media_type))
    if form == "json":
        _json(expected, actual, bodies, findings)
    elif form == "bytes":
        findings.add("bytes", "", *bodies)
    else:
        texts = text_of(bodies[0], expected.charset), text_of(bodies[1], actual.charset)
        (_pages if form == "html" else _texts)(*texts, findings)


def _common(expected: Form | None, actual: Form | None) -> Form:
    """The common form. That the types differ is a difference of the headers; the bodies may still be equal."""
    forms = {expected, actual} - {None}
    if len(forms) == 1:
        return forms.pop() or "bytes"
    return "bytes" if not forms or "bytes" in forms else "text"


def _json(expected: Answer, actual: Answer, bodies: tuple[bytes, bytes], findings: Findings) -> None:
    body = dict(zip((id(expected), id(actual)), bodies, strict=True))
    parsed = _both(expected, actual, findings, lambda answer: parse_json(body[id(answer)], answer.charset))
    if parsed is None:
        return
    if expected.charset == actual.charset and same_tokens(*bodies, expected.charset):
        return
    compare_values(*parsed, findings)


def _both(expected: Answer, actual: Answer, findings: Findings, read: Any) -> tuple[Any, Any] | None:
    """The results of `read` for both bodies. A body that can't be read is an error. If only the service's can't, it is
    also a difference: clients that could read the old response can't read the new one."""
    results: list[Any] = []
    failures: list[UnreadableBody | None] = []
    for side, answer in (("legacy", expected), ("the service", actual)):
        try:
            results.append(read(answer))
            failures.append(None)
        except UnreadableBody as exc:
            findings.error(f"{side}: {exc}")
            failures.append(exc)
    was, now = failures
    if was is None and now is not None and now.broken:
        findings.add("type", "", "a body that can be read", str(now), detail="readable → broken")
    return (results[0], results[1]) if was is None and now is None else None


def _texts(expected: str, actual: str, findings: Findings) -> None:
    if expected != actual:
        kind = "whitespace" if expected.split() == actual.split() else "text"
        findings.add(kind, "", expected, actual)


def _pages(expected: str, actual: str, findings: Findings) -> None:
    if max(len(expected), len(actual)) > LARGEST_PAGE:
        _texts(expected, actual, findings)
        return
    try:
        was, now = tokens(expected), tokens(actual)
    except ValueError as exc:
        findings.error(str(exc))
        _texts(expected, actual, findings)
        return
    findings.spend(len(was) + len(now))
    texts = [token.text for token in was], [token.text for token in now]
    if texts[0] != texts[1]:
        _tokens(was, now, findings)
    else:
        findings.ignore()


def _tokens(was: list[Token], now: list[Token], findings: Findings) -> None:
    """Matching tokens, missing tokens and added tokens, each with its enclosing elements."""
    pairs = by_position(
        [token.text for token in was],
        [token.text for token in now],
        str.__eq__,
        lambda _index, text: text,
        search=True,
    ).pairs
    others = {pair[1] for pair in pairs}
    partner = dict(pairs)
    for index, token in enumerate(was):
        other = now[partner[index]].text if index in partner else MISSING
        if other != token.text:
            findings.add("html", f"html:{token.place}", token.text, other)
    for index, token in enumerate(now):
        if index not in others:
            findings.add("html", f"html:{token.place}", MISSING, token.text)
