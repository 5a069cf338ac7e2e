"""Translates Django's URL patterns into path templates of Starlette's, as services declare them.

A pattern may give several templates: with or without an optional slash at the end, with or without an optional group. A
parameter matches what it matches in Django, with a convertor of its own. A template may match less than its pattern,
never more: what it leaves out stays with Django.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern
from starlette.convertors import CONVERTOR_TYPES, Convertor, register_url_convertor

from gateway.legacy.url_pattern import prefixes
from gateway.routing.regex import alternatives, elements

__all__ = ["Named", "Unspeakable", "ViewUrl", "convertor_for", "templates", "urls"]

_parameter = re.compile(r"<(?:[^>:]+:)?([^>]+)>")
_group_name = re.compile(r"\(\?P<(\w+)>")
_counted_group = re.compile(r"(?<!\\)\((?!\?)")
_flags = re.compile(r"\(\?[aiLmsux-]+[:)]")
_back_reference = re.compile(r"\\[1-9]|\(\?P=")
# The converters of Django and DRF, with readable names.
CONVERTORS = {
    "[^/.]+": "lookup",
    "[0-9]+": "digits",
    "[-a-zA-Z0-9_]+": "slug",
    "[a-z0-9]+": "format",
}
ENDS = ("$", r"\Z", r"\z")


class Unspeakable(ValueError):
    """A pattern that can't be translated into a template."""


@dataclass(frozen=True, slots=True)
class ViewUrl:
    """One view in a URLconf: the patterns that lead to it, the last pattern's name, its namespaces, and the language of
    its prefix. `path` is set where no URLconf has it yet; otherwise `found` is."""

    callback: Callable[..., Any]
    name: str | None
    namespaces: tuple[str, ...]
    chain: tuple[RegexPattern | RoutePattern, ...]
    language: str = ""
    path: str | None = None
    found: bool = True

    @property
    def view_name(self) -> str | None:
        """The name as `reverse` takes it."""
        return ":".join((*self.namespaces, self.name)) if self.name else None

    def __str__(self) -> str:
        return "/" + "".join(map(str, self.chain))


@dataclass(frozen=True, slots=True)
class Named:
    """A parameter of a template: its name, and the regular expression of what it matches."""

    name: str
    regex: str


Piece = str | Named
PathPieces = tuple[Piece, ...]  # text and parameters in order


def urls(urlconf: Any = None) -> Iterator[ViewUrl]:
    """Every view of a URLconf, by default the project's, in Django's order."""
    yield from _below(get_resolver(urlconf), (), (), "")


def _below(
    resolver: URLResolver, before: tuple[Any, ...], namespaces: tuple[str, ...], language: str
) -> Iterator[ViewUrl]:
    for item in resolver.url_patterns:
        for pattern, prefix in prefixes(item.pattern):
            chain, spoken = (*before, pattern), language or prefix
            if isinstance(item, URLPattern):
                yield ViewUrl(item.callback, item.name, namespaces, chain, spoken)
            else:
                inner = (*namespaces, item.namespace) if item.namespace else namespaces
                yield from _below(item, chain, inner, spoken)


def templates(chain: Sequence[RegexPattern | RoutePattern]) -> list[list[Piece]]:
    """The templates of the paths that `chain` leads to, each from its first slash on. Raises Unspeakable."""
    each = map(_of_pattern, chain)
    found = [_joined(("/", *itertools.chain.from_iterable(parts))) for parts in itertools.product(*each)]
    return [list(way) for way in dict.fromkeys(map(tuple, found))]


def convertor_for(regex: str) -> str:
    """The name of the Starlette convertor for text that matches `regex`, which is registered if necessary."""
    if (known := CONVERTORS.get(regex)) is not None and known not in CONVERTOR_TYPES:
        register_url_convertor(known, type("Text", (_Text,), {"regex": regex})())
    if known is not None and CONVERTOR_TYPES[known].regex == regex:
        return known
    name = f"re_{hashlib.sha256(regex.encode()).hexdigest()[:10]}"
    if name not in CONVERTOR_TYPES:
        register_url_convertor(name, type("Text", (_Text,), {"regex": regex})())
    return name


class _Text(Convertor[str]):
    """Converts text to itself."""

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: Any) -> str:
        return str(value)


# -- one pattern ---------------------------------------------------------------------------------


def _of_pattern(pattern: Any) -> list[PathPieces]:
    if isinstance(pattern, RoutePattern):
        return _of_route(pattern)
    if isinstance(pattern, RegexPattern):
        return _of_regex(str(pattern))
    raise Unspeakable(f"{pattern} is a pattern of a class of its own, {type(pattern).__name__}")


def _of_route(pattern: RoutePattern) -> list[PathPieces]:
    """`path()`: text, and parameters with the project's converters."""
    pieces: list[list[PathPieces]] = []
    for index, piece in enumerate(_parameter.split(str(pattern))):
        regex = pattern.converters[piece].regex if index % 2 else ""
        if not index % 2:
            pieces.append([(piece,)])
        elif regex.endswith("/?"):  # of Django REST framework, for a format suffix with an optional slash
            named = Named(piece, _plain(regex.removesuffix("/?")))
            pieces.append([(named,), (named, "/")])
        else:
            pieces.append([(Named(piece, _plain(regex)),)])
    return [tuple(itertools.chain.from_iterable(way)) for way in itertools.product(*pieces)]


def _of_regex(source: str) -> list[PathPieces]:
    """`re_path()`: each alternative, with its groups as parameters."""
    if _flags.search(source):
        raise Unspeakable(f"{source} has flags")
    if _back_reference.search(source):
        raise Unspeakable(f"{source} refers to what it has found")
    ways: list[PathPieces] = []
    for alternative in alternatives(source):
        text = alternative.removeprefix("^").removeprefix(r"\A")
        end = next((end for end in ENDS if text.endswith(end)), "")
        ways += _ways(text.removesuffix(end))  # without an end, longer paths stay with Django
    return ways


def _ways(text: str) -> list[PathPieces]:
    """The forms that text matching a regular expression without alternatives may have."""
    found: list[PathPieces] = [()]
    ahead = ""  # a lookahead belongs to the parameter that follows it
    for place, (element, quantifier) in enumerate(elements(text)):
        if element.startswith(("(?=", "(?!", "(?<=", "(?<!")):
            ahead += element
            continue
        here = _element(element, quantifier, ahead, place)
        ahead = ""
        found = [(*way, *piece) for way in found for piece in here]
    return found


def _element(element: str, quantifier: str, ahead: str, place: int) -> list[PathPieces]:
    if quantifier in ("?", "??"):
        return [(), *_element(element, "", ahead, place)]
    if not quantifier:
        inner = _inside(element) or ""
        if element.startswith("(?:") and not ahead:
            return [way for alternative in alternatives(inner) for way in _ways(alternative)]
        if (name := _group_name.match(element)) is not None:
            return [(Named(name[1], ahead + _plain(inner)),)]
        if _is_text(element) and not ahead:
            return [(element.removeprefix("\\"),)]
    return [(Named(f"part_{place}", ahead + _plain(element) + quantifier),)]


def _is_text(element: str) -> bool:
    if len(element) == 2 and element[0] == "\\":
        return not element[1].isalnum()
    return len(element) == 1 and element != "."


def _inside(element: str) -> str | None:
    """The content of a group."""
    if not element.startswith("("):
        return None
    head = _group_name.match(element)
    start = head.end() if head else 3 if element.startswith("(?:") else 1
    return element[start:-1]


def _plain(regex: str) -> str:
    """`regex` with groups that are neither named nor counted."""
    return _counted_group.sub("(?:", _group_name.sub("(?:", regex))


def _joined(pieces: Iterable[Piece]) -> PathPieces:
    """Adjacent texts joined, and no name used twice: the last is the one that Django passes on."""
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece:
            joined.append(piece)
    return tuple(_renamed(piece, index, joined[index + 1 :]) for index, piece in enumerate(joined))


def _renamed(piece: Piece, index: int, after: Sequence[Piece]) -> Piece:
    if isinstance(piece, str):
        return piece
    again = any(isinstance(other, Named) and other.name == piece.name for other in after)
    return Named(f"{piece.name}_{index}", piece.regex) if again else piece
