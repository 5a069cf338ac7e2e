"""Converts Django's patterns to path templates of gateway.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.urls import converters
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern

from gateway.workbench.inventory.endpoint import PathParameter
from gateway.workbench.inventory.regex import Group, pieces

__all__ = ["DjangoPattern", "PathTemplate", "templates"]

DjangoPattern = RegexPattern | RoutePattern | LocalePrefixPattern
LANGUAGE = "language"
_parameter = re.compile(r"<(?:(?P<converter>[^>:]+):)?(?P<name>[^>]+)>")


class PathTemplate(NamedTuple):
    """A path template with its parameters. `routes` are the possible values of `ResolverMatch.route`."""

    text: str
    parameters: tuple[PathParameter, ...]
    routes: tuple[str, ...]


def templates(chain: Sequence[DjangoPattern]) -> Iterator[PathTemplate]:
    """The templates for these nested patterns: one, or two if the default language has no prefix of its own."""
    prefix = next((pattern for pattern in chain if isinstance(pattern, LocalePrefixPattern)), None)
    codes = [code for code, _ in settings.LANGUAGES]
    if prefix is None:
        yield _template(chain, [None])
    elif prefix.prefix_default_language:
        yield _template(chain, codes)
    else:
        yield _template(chain, [None])
        if others := [code for code in codes if code != settings.LANGUAGE_CODE]:
            yield _template(chain, others)


def _template(chain: Sequence[DjangoPattern], languages: Sequence[str | None]) -> PathTemplate:
    """The template with a parameter for the language; without it for None."""
    text, parameters = "/", list[PathParameter]()
    for pattern in chain:
        for piece in _of_language(languages) if isinstance(pattern, LocalePrefixPattern) else _pieces(pattern):
            if isinstance(piece, str):
                text += piece
            else:
                parameter = _named(piece, parameters)
                parameters.append(parameter)
                text += _written(parameter)
    if text.endswith(".{format}/"):
        text = text.removesuffix("/")  # optional in all patterns that DRF makes
    return PathTemplate(text, tuple(parameters), tuple(_route(chain, language) for language in languages))


def _of_language(languages: Sequence[str | None]) -> list[str | PathParameter]:
    codes = [re.escape(code) for code in languages if code is not None]
    return [PathParameter(LANGUAGE, "", "|".join(codes)), "/"] if codes else []


def _route(chain: Sequence[DjangoPattern], language: str | None) -> str:
    """The patterns combined as in `ResolverMatch.route`: without the ^ of any but the first."""
    texts = [
        (f"{language}/" if language else "") if isinstance(pattern, LocalePrefixPattern) else str(pattern)
        for pattern in chain
    ]
    route = ""
    for text in texts:
        route += text.removeprefix("^") if route else text
    return route


@lru_cache(maxsize=16384)
def _pieces(pattern: RegexPattern | RoutePattern) -> tuple[str | PathParameter, ...]:
    found = _of_route(pattern) if isinstance(pattern, RoutePattern) else _of_regex(str(pattern))
    return tuple(found)


def _of_route(pattern: RoutePattern) -> Iterator[str | PathParameter]:
    text, end = str(pattern), 0
    for one in _parameter.finditer(text):
        yield text[end : one.start()]
        name, converter = one["name"], pattern.converters[one["name"]]
        if converter.regex.startswith(r"\."):  # DRF's format suffix, including the dot
            yield "."
        kind = "path" if isinstance(converter, converters.PathConverter) else (one["converter"] or "str")
        yield PathParameter(name, kind, converter.regex)
        end = one.end()
    yield text[end:]


def _of_regex(text: str) -> Iterator[str | PathParameter]:
    for piece in pieces(text):
        yield PathParameter(piece.name, "", piece.regex) if isinstance(piece, Group) else piece


def _named(parameter: PathParameter, before: Sequence[PathParameter]) -> PathParameter:
    if parameter.name:
        return parameter
    count = sum(re.fullmatch(r"var\d*", one.name) is not None for one in before)
    return PathParameter(f"var{count + 1 if count else ''}", parameter.converter, parameter.regex)


def _written(parameter: PathParameter) -> str:
    return f"{{{parameter.name}:path}}" if _takes_slashes(parameter.regex) else f"{{{parameter.name}}}"


@lru_cache(maxsize=1024)
def _takes_slashes(regex: str) -> bool:
    try:
        matches = re.compile(regex, re.DOTALL).fullmatch
    except re.error:  # for instance a backreference
        return True
    return any(map(matches, ("a/b", "7/7", "a/b/", "/a/b")))
