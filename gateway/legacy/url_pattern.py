"""Reads the patterns of a URLconf as path segments, which can be compared with the templates of services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern

from gateway.routing.template import Part, SegmentPattern

__all__ = ["Items", "UrlPattern", "prefixes", "url_patterns"]

Items = tuple[URLPattern | URLResolver, ...]
Chain = tuple[RegexPattern | RoutePattern, ...]

TAIL = SegmentPattern(".*", whole_tail=True)
_parameter = re.compile(r"<(?:[^>:]+:)?([^>]+)>")
_special = re.compile(r"(?<!\\)[.^$*+?{}\[\]|()]|\\[A-Za-z0-9]")
_sets = re.compile(r"\[[^\]]*\]")
_names = re.compile(r"\(\?P<\w+>")


@dataclass(frozen=True, slots=True)
class UrlPattern:
    """The patterns that lead to one view. `parts` are its segments, matching at least what the pattern matches;
    `language` is set if the first is a language prefix. `order` is its position in the URLconf."""

    order: int
    items: tuple[URLPattern | URLResolver, ...]
    chain: tuple[RegexPattern | RoutePattern, ...]
    parts: tuple[Part, ...]
    language: str

    @property
    def text(self) -> str | None:
        """The path, if it has no parameters."""
        plain = [part for part in self.parts if isinstance(part, str)]
        return "/" + "/".join(plain) if len(plain) == len(self.parts) else None

    def matches(self, path: str) -> bool:
        """Whether Django would match `path`. True when that can't be determined here: then the project answers."""
        rest = path[1:]
        try:
            for pattern in self.chain:
                found = pattern.match(rest)
                if found is None:
                    return False
                rest = found[0]
        except Exception:  # noqa: BLE001 - a path converter of the project's, which may not use the ORM on an event loop
            return True
        return True


def url_patterns(root: URLResolver) -> list[UrlPattern]:
    """All patterns below `root`, in Django's order. A pattern with an optional slash at its end is two."""
    return [
        UrlPattern(order, items, chain, parts, language)
        for order, (items, chain, text, language) in enumerate(_below(root, (), (), "", ""))
        for parts in _variants(text)
    ]


def _below(
    resolver: URLResolver, items: Items, before: Chain, text: str, language: str
) -> Iterator[tuple[Items, Chain, str, str]]:
    """The patterns of each view, one regular expression for all of them, and the language of their prefix."""
    for item in resolver.url_patterns:
        for pattern, prefix in prefixes(item.pattern):
            chain, whole = (*before, pattern), text + _source(pattern, last=isinstance(item, URLPattern))
            if isinstance(item, URLResolver):
                yield from _below(item, (*items, item), chain, whole, language or prefix)
            else:
                yield (*items, item), chain, whole, language or prefix


def prefixes(
    pattern: RegexPattern | RoutePattern | LocalePrefixPattern,
) -> list[tuple[RegexPattern | RoutePattern, str]]:
    """A language prefix as one pattern per language, since the active language isn't known yet."""
    if not isinstance(pattern, LocalePrefixPattern):
        return [(pattern, "")]
    prefixes: list[tuple[RegexPattern | RoutePattern, str]] = [
        (RoutePattern(f"{code}/"), code) for code, _ in settings.LANGUAGES
    ]
    return prefixes if pattern.prefix_default_language else [*prefixes, (RoutePattern(""), "")]


def _source(pattern: Any, *, last: bool) -> str:
    """`pattern` as a regular expression, without anchors."""
    if isinstance(pattern, RoutePattern):
        pieces = _parameter.split(str(pattern))
        return "".join(
            _group(pattern.converters[piece].regex) if index % 2 else re.escape(piece)
            for index, piece in enumerate(pieces)
        )
    if not isinstance(pattern, RegexPattern):
        return TAIL.regex  # a class of the project, which may match anything
    text = _names.sub("(?:", str(pattern))
    begins, ends = text.startswith(("^", r"\A")), text.endswith(("$", r"\Z"))
    text = text.removeprefix("^").removeprefix(r"\A").removesuffix("$").removesuffix(r"\Z")
    # Django searches for it anywhere, and ignores what follows.
    return ("" if begins or not text else ".*") + text + ("" if ends or not last else ".*")


def _group(regex: str) -> str:
    """A converter's expression; the slash with which DRF's format suffix may end becomes a separate element."""
    return f"(?:{_names.sub('(?:', regex.removesuffix('/?'))})" + ("/?" if regex.endswith("/?") else "")


def _variants(text: str) -> list[tuple[Part, ...]]:
    """A regular expression as segments that match at least the same; one variant with an optional slash, one
    without."""
    if text.endswith("/?"):
        return [*_variants(text[:-2]), *_variants(text[:-1])]
    pieces = _split(text)
    parts: list[Part] = []
    for piece in pieces:
        part = _part(piece)
        if part is TAIL:
            return [(*parts, TAIL)]
        parts.append(part)
    return [tuple(parts)]


def _split(text: str) -> list[str]:
    """`text` split at slashes outside of groups and sets."""
    pieces, depth, escaped, in_set = [""], 0, False, False
    for character in text:
        if character == "/" and depth == 0 and not in_set and not escaped:
            pieces.append("")
            continue
        if character == "|" and depth == 0 and not in_set and not escaped:
            return [TAIL.regex]
        pieces[-1] += character
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif in_set:
            in_set = character != "]"
        else:
            in_set = character == "["
            depth += (character == "(") - (character == ")")
    return pieces


def _part(piece: str) -> Part:
    if not _special.search(piece):
        return piece.replace("\\", "")
    try:
        matches = re.compile(piece, re.DOTALL).fullmatch
    except re.error:  # for instance a backreference
        return TAIL
    if matches("a/b") or matches("7/7") or "/" in _sets.sub("", piece):
        return TAIL
    return SegmentPattern(piece, whole_tail=False)
