"""Replaces sensitive values in a text, a JSON value, a header or a URL by a keyed hash."""

from __future__ import annotations

import hmac
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

from gateway.parity.decoding import DuplicateKeys
from gateway.parity.difference import Missing
from gateway.parity.pointer import child
from gateway.parity.redact.excerpt import head
from gateway.parity.redact.sensitive import is_sensitive, mask_shapes

__all__ = ["Masker", "plain"]

MARK = "[redacted "
WIDEST = 20  # members of an object or items of a list that are shown
DEEPEST = 8
MOST = 100  # values shown of one JSON value

# name=value, name: value, "name": "value", also with escaped quotes.
ASSIGNED = re.compile(
    r"""([\w.\[\]-]{1,60})(\\?["']?\s{0,5}(?:=>|[=:])\s{0,5})"""
    r"""(?:(\\?["'])(.{0,1000}?)(?:\3|$)|((?:(?:Bearer|Basic|Token|Digest|JWT)\s{1,5})?[^\s"'&;,<>]+))""",
    re.DOTALL | re.IGNORECASE,
)
ELEMENT = re.compile(r"(<([\w:.-]{1,60})(?:\s[^<>]{0,500})?>)([^<]+)(?=</)")
TAG = re.compile(r"<[a-z][^<>]{0,2000}>", re.IGNORECASE)
NAME = re.compile(r"""\b(?:name|id|type|property)\s*=\s*["']?([\w.\[\]-]{1,60})""", re.IGNORECASE)
VALUE = re.compile(r"""(\b(?:value|content)\s*=\s*)(?:(["'])(.*?)(?:\2|$)|([^\s"'>]+))""", re.IGNORECASE | re.DOTALL)
# Parameters that carry credentials, in OAuth 2 (RFC 6749, section 4.1.2), CAS or SAML, activation links and signed
# URLs. They aren't sensitive names in general: in a body, a code or a key is mostly a product's.
LOGINS = frozenset(("code", "state", "ticket", "samlresponse", "samlrequest", "relaystate", "key", "hash", "sig"))
LITERAL = re.compile(r"'(?:[^']|'')*(?:'|$)")
ATTRIBUTES = frozenset(
    ("path", "domain", "secure", "httponly", "samesite", "max-age", "expires", "partitioned", "priority")
)


class Masker:
    """Masks with `key`. `more` are further sensitive names of fields, `paths` matches sensitive pointers."""

    __slots__ = ("_key", "_more", "_paths")

    def __init__(self, key: bytes, more: frozenset[str], paths: re.Pattern[str]) -> None:
        self._key = key
        self._more = more
        self._paths = paths

    def digest(self, value: str) -> str:
        """Six digits, equal for equal values; without the key they reveal nothing."""
        return hmac.new(self._key, value.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:6]

    def mask(self, value: str) -> str:
        """The replacement for a value."""
        return value if value.startswith(MARK) else f"{MARK}{self.digest(value)}]"

    def covers(self, name: str) -> bool:
        """Whether values with this name are masked."""
        return is_sensitive(name, self._more)

    def covers_place(self, pointer: str) -> bool:
        """Whether the value at a pointer is masked by its path; `covers` is for names."""
        return self._paths.fullmatch(pointer) is not None

    def text(self, text: str) -> str:
        """A text in which values after sensitive names, and values with a sensitive shape, are masked."""
        text = TAG.sub(lambda found: self._tag(found[0]), text)
        text = ELEMENT.sub(lambda found: found[1] + self.mask(found[3]) if self.covers(found[2]) else found[0], text)
        return mask_shapes(self._assignments(text), self.mask)

    def _tag(self, tag: str) -> str:
        if not any(self.covers(name) for name in NAME.findall(tag)):
            return tag
        return VALUE.sub(lambda found: f'{found[1]}"{self.mask(found[3] or found[4] or "")}"', tag)

    def _assignments(self, text: str) -> str:
        """Continues inside a value whose name is harmless: it may contain an assignment ("body: password=…")."""
        done: list[str] = []
        start = 0
        while found := ASSIGNED.search(text, start):
            done.append(text[start : found.end(2)])
            start = found.end(2)
            name, _between, quote, quoted, bare = found.groups()
            if self.covers(name):
                done.append(f"{quote}{self.mask(quoted)}{quote}" if quote else self.mask(bare))
                start = found.end()
        return "".join(done) + text[start:]

    def statement(self, statement: str) -> str:
        """SQL without its string literals."""
        return self.text(LITERAL.sub("'…'", statement))

    # -- headers and URLs ------------------------------------------------------------------------

    def header(self, name: str, value: str) -> str:
        """The value of a header. Names of cookies and schemes of credentials are kept."""
        if name == "cookie":
            return "; ".join(self._pair(pair) for pair in value.split(";"))
        if name == "set-cookie":
            pair, *attributes = value.split(";")
            known = [part for part in attributes if part.partition("=")[0].strip().lower() in ATTRIBUTES]
            return ";".join([self._pair(pair), *known])
        if self.covers(name) or name == "authorization":
            scheme, space, credentials = value.partition(" ")
            return scheme + space + self.mask(credentials) if space and scheme.isalpha() else self.mask(value)
        if name in ("location", "content-location", "referer", "origin"):
            return self.target(value)
        return self.text(value)

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.strip().partition("=")
        return f"{name}={self.mask(value)}" if equals else self.mask(name)

    def target(self, target: str) -> str:
        """A URL or a path with its query."""
        rest, hash_, fragment = target.partition("#")
        path, question, query = rest.partition("?")
        path = "/".join(self._decoded(part) for part in mask_shapes(path, self.mask).split("/"))
        query = "&".join(self._parameter(part) for part in query.split("&"))
        fragment = "&".join(self._parameter(part) for part in fragment.split("&"))
        return path + question + query + hash_ + fragment

    def _parameter(self, part: str) -> str:
        name, equals, value = part.partition("=")
        if equals and (self.covers(unquote_plus(name)) or name.lower() in LOGINS):
            return f"{name}={self.mask(unquote_plus(value))}"
        return self._decoded(name) + equals + self._decoded(value)

    def _decoded(self, part: str) -> str:
        """The part as written, unless its decoded form is sensitive."""
        if part.startswith(MARK):
            return part
        plain = unquote_plus(part)
        masked = self.text(plain)
        return part if masked == plain else masked

    # -- JSON ------------------------------------------------------------------------------------

    def value(self, value: object, pointer: str, *, covered: bool) -> str:
        """A value of `parse_json` as shortened JSON text; `covered` masks all of it."""
        return _Json(self).text(value, pointer, covered=covered, depth=0)


def plain(value: object) -> str:
    """A whole value as one string, for hashing."""
    try:
        return value if isinstance(value, str) else str(value)
    except RecursionError:
        return "nested too deeply"


class _Json:
    __slots__ = ("_left", "_masker")

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._left = MOST

    def text(self, value: Any, pointer: str, *, covered: bool, depth: int) -> str:
        self._left -= 1
        if value is None or isinstance(value, bool):  # not identifying
            return {None: "null", True: "true", False: "false"}[value]
        if isinstance(value, Missing):
            return value.value
        if covered or self._masker.covers_place(pointer):
            return _quoted(self._masker.mask(plain(value)))
        if isinstance(value, str):
            return _quoted(head(value, self._masker.text))
        if isinstance(value, Decimal):
            masked = mask_shapes(str(value), self._masker.mask)
            return masked if masked == str(value) else _quoted(masked)
        if depth >= DEEPEST or self._left < 0:
            return "…"
        return self._object(value, pointer, depth) if isinstance(value, dict) else self._array(value, pointer, depth)

    def _object(self, value: dict[str, Any], pointer: str, depth: int) -> str:
        shown = []
        for name, member in list(value.items())[:WIDEST]:
            covered = self._masker.covers(name)
            text = self.text(member, child(pointer, name), covered=covered, depth=depth + 1)
            shown.append(f"{_quoted(head(name, self._masker.text))}: {text}")
        return "{" + ", ".join(shown + ["…"] * (len(value) > WIDEST)) + "}"

    def _array(self, value: Any, pointer: str, depth: int) -> str:
        shown = [
            self.text(
                item, pointer if isinstance(value, DuplicateKeys) else child(pointer, i), covered=False, depth=depth + 1
            )
            for i, item in enumerate(value[:WIDEST])
        ]
        return "[" + ", ".join(shown + ["…"] * (len(value) > WIDEST)) + "]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
