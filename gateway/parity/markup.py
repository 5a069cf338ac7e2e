"""Splits a page into tokens that are equal if two pages mean the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

__all__ = ["Token", "tokens"]

VOID = frozenset(re.findall(r"\w+", "area base br col embed hr img input link meta param source track wbr"))
# Next to these elements, white space is visible; next to others it is not.
INLINE = frozenset(
    re.findall(
        r"\w+",
        """
        a abbr b bdi bdo button cite code data dfn em i img input kbd label mark q s samp select small span strong sub
        sup time u var
        """,
    )
)
VERBATIM = frozenset(("pre", "textarea", "script", "style"))
DEEPEST = 12  # names of elements in a place

CSRF_NAMES = frozenset(("csrfmiddlewaretoken", "csrf-token", "csrf_token", "_csrf", "_token", "authenticity_token"))
CSRF_VALUE = re.compile(r"(csrf[\w-]{0,30}[\"'\s:=]{1,10})[A-Za-z0-9]{32,128}", re.IGNORECASE)
# Some releases of html.parser take quadratic time for unclosed tags and quotes.
WHOLE_TAG = re.compile(r"""<(?:[^<>"']|"[^"<>]*"|'[^'<>]*')*+>""")
STRAY = 500  # "<" that belong to no whole tag, as in scripts

NONCE = re.compile(r"(nonce-)[A-Za-z0-9+/_=-]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A start tag with its attributes in order, an end tag, or a text; and the elements around it."""

    text: str
    place: str


def tokens(page: str) -> list[Token]:
    """The tokens of a page: attributes and classes sorted, invisible white space collapsed, comments left out, CSRF
    tokens and nonces replaced by a word. Broken markup is parsed as Python's parser does, on both sides. Raises
    ValueError for what it can't parse."""
    if page.count("<") - len(WHOLE_TAG.findall(page)) > STRAY:
        raise ValueError("markup with too many tags that are not closed")
    parser = _Tokens()
    try:
        parser.feed(page)
        parser.close()
        if parser.rawdata:  # an unclosed script, which some releases don't report
            parser.handle_data(parser.rawdata)
    except AssertionError as exc:  # "<![x" in some releases of Python
        raise ValueError("markup that can't be read") from exc
    return parser.finished()


class _Tokens(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._found: list[tuple[str, str, str]] = []  # text, place, name of the element for tags

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(_start(tag, {name: value or "" for name, value in attrs}), tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # HTML has no self-closing tags; the slash is ignored

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open[-DEEPEST * 10 :]:
            while self._open.pop() != tag:
                pass
        self._add(f"</{tag}>", tag)

    def handle_data(self, data: str) -> None:
        data = CSRF_VALUE.sub(r"\1(csrf token)", data)
        if self._open and self._open[-1] in VERBATIM:
            self._add(data.replace("\r\n", "\n").strip("\n"), "")
        else:
            self._add(re.sub(r"[ \t\r\n\f]+", " ", data), "")

    def handle_decl(self, decl: str) -> None:
        self._add(f"<!{' '.join(decl.lower().split())}>", "!")

    def _add(self, text: str, tag: str) -> None:
        self._found.append((text, ">".join(self._open[-DEEPEST:]), tag))

    def finished(self) -> list[Token]:
        """The tokens, without invisible white space."""
        seen: list[Token] = []
        for index, (text, place, tag) in enumerate(self._found):
            shown = text if tag or place.rpartition(">")[2] in VERBATIM else self._trimmed(index, text)
            if shown:
                seen.append(Token(shown, place))
        return seen

    def _trimmed(self, index: int, text: str) -> str:
        text = text if self._inline(index - 1) else text.lstrip(" ")
        return text if self._inline(index + 1) else text.rstrip(" ")

    def _inline(self, index: int) -> bool:
        return 0 <= index < len(self._found) and self._found[index][2] in INLINE


def _start(tag: str, attributes: dict[str, str]) -> str:
    if "nonce" in attributes:
        attributes["nonce"] = "(nonce)"
    if attributes.get("name", "").lower() in CSRF_NAMES:
        for name in ("value", "content"):
            if name in attributes:
                attributes[name] = "(csrf token)"
    if "class" in attributes:
        attributes["class"] = " ".join(sorted(set(attributes["class"].split())))
    written = "".join(f' {name}="{_value(attributes[name])}"' for name in sorted(attributes))
    return f"<{tag}{written}>"


def _value(value: str) -> str:
    value = NONCE.sub(r"\1(nonce)", CSRF_VALUE.sub(r"\1(csrf token)", value))
    return " ".join(value.split()).replace('"', "&quot;")
