"""Queries the project's URLconf: which paths it has, and which of them have asynchronous views."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern
from django.utils import translation

from gateway.legacy.url_pattern import prefixes

__all__ = ["AsyncViews", "knows", "view_at"]

_PLAIN = re.compile(r"[\w/-]*")
_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")


def knows(path: str) -> bool:
    """Whether the URLconf has `path` (which starts with a slash), as it is or with the slash that APPEND_SLASH would
    add. True when that can't be determined here: then Django decides."""
    # In a context of its own: what a service or its middleware has set doesn't count, nor does a language that the end
    # of `override` would leave active.
    return contextvars.Context().run(_knows, path)


def _knows(path: str) -> bool:
    resolver = get_resolver()
    candidates = [path, f"{path}/"] if settings.APPEND_SLASH and not path.endswith("/") else [path]
    # LocaleMiddleware activates the language of the path before Django resolves it.
    with translation.override(translation.get_language_from_path(path) or settings.LANGUAGE_CODE):
        for candidate in candidates:
            try:
                resolver.resolve(candidate)
            except Resolver404:
                continue
            except Exception:  # noqa: BLE001 - a path converter of the project's, which may not use the ORM on an event loop
                return True
            return True
    return False


def view_at(path: str) -> ResolverMatch | None:
    """What the URLconf has for `path`, with or without a slash at its end: a service may lack Django's last slash, or
    have one of its own. None where it has nothing, or where that can't be determined here."""
    return contextvars.Context().run(_view_at, path)


def _view_at(path: str) -> ResolverMatch | None:
    resolver = get_resolver()
    other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    with translation.override(translation.get_language_from_path(path) or settings.LANGUAGE_CODE):
        for candidate in (path, other):
            with suppress(Exception):  # Resolver404, or an exception in a path converter of the project
                return resolver.resolve(candidate)
    return None


@dataclass(frozen=True, slots=True)
class _PatternChain:
    """The patterns that lead to one asynchronous view; `start` is plain text with which its paths begin."""

    start: str
    patterns: tuple[RegexPattern | RoutePattern, ...]

    def matches(self, path: str) -> bool:
        rest = path[1:]
        for pattern in self.patterns:
            found = pattern.match(rest)
            if found is None:
                return False
            rest = found[0]
        return True


class AsyncViews:
    """The asynchronous views of the project's URLconf, found when it is loaded.

    An earlier pattern may hide one of them; then a synchronous view is run through Django's ASGI handler, which is
    slower, with the same response.
    """

    def __init__(self) -> None:
        self._chains = tuple(_chains(get_resolver().url_patterns, "/", (), literal=True))
        self._starts = tuple({chain.start for chain in self._chains})

    def __len__(self) -> int:
        return len(self._chains)

    def answer(self, path: str) -> bool:
        """Whether an asynchronous view answers `path`. False when that can't be determined here: on a thread it can."""
        if not path.startswith(self._starts):
            return False
        try:
            return any(path.startswith(chain.start) and chain.matches(path) for chain in self._chains)
        except Exception:  # noqa: BLE001 - as in `knows`
            return False


def _chains(
    patterns: list[URLPattern | URLResolver],
    start: str,
    before: tuple[RegexPattern | RoutePattern, ...],
    *,
    literal: bool,
) -> Iterator[_PatternChain]:
    for item in patterns:
        for pattern, _ in prefixes(item.pattern):
            text, whole = _plain_start(pattern) if literal else ("", False)
            chain = (*before, pattern)
            if isinstance(item, URLResolver):
                yield from _chains(item.url_patterns, start + text, chain, literal=literal and whole)
            elif iscoroutinefunction(item.callback):
                yield _PatternChain(start + text, chain)


def _plain_start(pattern: RegexPattern | RoutePattern) -> tuple[str, bool]:
    """The plain text with which everything that `pattern` matches begins, and whether that is all of it."""
    text = str(pattern)
    if isinstance(pattern, RoutePattern):
        plain = text.partition("<")[0]
        return plain, plain == text
    text = text.removeprefix("^").removesuffix("$")
    special = _SPECIAL.search(text)
    if special is None:
        return text, True
    # The character before a quantifier may be absent: "colou?r" begins with "colo".
    end = special.start() - (special[0] in "*?{")
    return text[: max(end, 0)] if "|" not in text else "", False
