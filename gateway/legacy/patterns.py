"""Compares the patterns of the project's URLconf, in Django's order, with the templates of services.

Django stops at the first pattern that matches a path, whatever the method. So a template of a service may match paths
of another view: `/tags/{tag}/` matches `/tags/me/`. Those paths stay with the project."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern

from gateway.compat.django import methods_required, resolver_of
from gateway.compat.drf import class_behind
from gateway.routing.table import Contest, EndpointPattern
from gateway.routing.template import Part, SegmentPattern, parse_template
from gateway.routing.tree import Tree

__all__ = ["Branch", "Pattern", "Patterns", "meant_by", "patterns_of", "prefixes"]

View = Callable[..., Any]

TAIL = SegmentPattern(".*", whole_tail=True)
# Sample values of a parameter: text that no pattern contains literally, a number, a UUID.
SAMPLES = ("qzx", "7", "0f0e0d0c-0b0a-0908-0706-050403020100", "qzx/qzx")
_parameter = re.compile(r"<(?:[^>:]+:)?([^>]+)>")
_special = re.compile(r"(?<!\\)[.^$*+?{}\[\]|()]|\\[A-Za-z0-9]")
_sets = re.compile(r"\[[^\]]*\]")
_names = re.compile(r"\(\?P<\w+>")


@dataclass(frozen=True, slots=True)
class Pattern:
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


class Branch:
    """The part of a URLconf for one template: Django's own resolvers, reduced to the patterns that lead there.

    `views` are the views that they lead to. `app_names` and `namespaces` are those of the includes in which a new path
    of this template would be."""

    __slots__ = ("_resolver", "app_names", "namespaces", "views")

    def __init__(
        self,
        resolver: URLResolver | None,
        views: Sequence[Any],
        app_names: list[str | None],
        namespaces: list[str | None],
    ) -> None:
        self._resolver = resolver
        self.views = views
        self.app_names = app_names
        self.namespaces = namespaces

    def match(self, path: str) -> ResolverMatch | None:
        """What Django found for `path` before it was moved, also with or without a slash at its end."""
        if self._resolver is None:
            return None
        try:
            found = self._resolver.resolve(path)
        except Resolver404:
            pass
        else:
            found.moved_from = found.func  # type: ignore[attr-defined] # which is there still, for other methods
            return found
        try:
            return self._resolver.resolve(path.rstrip("/") if path.endswith("/") else f"{path}/")
        except Resolver404:
            return None


class Patterns:
    """All patterns of a URLconf, by default the project's. Django must be set up."""

    def __init__(self, urlconf: Any = None) -> None:
        self._root = get_resolver(urlconf)
        self._all = [
            Pattern(order, items, chain, parts, language)
            for order, (items, chain, text, language) in enumerate(_below(self._root, (), (), "", ""))
            for parts in _variants(text)
        ]
        self._branches: dict[tuple[str, tuple[tuple[str, str], ...], View | None], Branch] = {}
        self._tree: Tree[list[Pattern]] = Tree(list)
        for pattern in self._all:
            self._tree.leaf_at(pattern.parts).append(pattern)

    def __len__(self) -> int:
        return len(self._all)

    @cached_property
    def admins(self) -> tuple[str, ...]:
        """The paths of the project's admin sites, without a slash at the end. Under `i18n_patterns`: in each language,
        and without a language, where LocaleMiddleware redirects."""
        found: dict[str, None] = {}
        for one in self._all:
            if one.text is not None and _is_index_of_admin(one.items):
                path = one.text.rstrip("/")
                found |= {path: None, path.removeprefix(f"/{one.language}") if one.language else path: None}
        return tuple(found)

    def owner(self, path: str) -> tuple[URLPattern | URLResolver, ...] | None:
        """The patterns that lead to the view that Django finds for `path`, which begins with a slash; None if none
        do."""
        found = (one for one in self._overlapping(path[1:].split("/")) if one.matches(path))
        return next((one.items for one in found), None)

    def contest(self, endpoint: EndpointPattern) -> Contest | None:
        """Which paths matched by `endpoint` Django would route to another view than the one that it replaces.

        It replaces the pattern of the same form, or is one of the paths of a wider pattern. None when there are none.
        """
        if endpoint.is_subtree:
            return None
        branch = self.branch(endpoint.path, endpoint.convertors, meant_by(endpoint.dependencies))
        head = "HEAD" in endpoint.methods or all(map(_answers_head, branch.views))
        found = self._contest(endpoint) if "{" in endpoint.path else None
        if head:
            return found
        return (
            Contest(frozenset(), lambda _: True, always=False, head=False)
            if found is None
            else found._replace(head=False)
        )

    def _contest(self, endpoint: EndpointPattern) -> Contest | None:
        parts = tuple(parse_template(endpoint.path, dict(endpoint.convertors)))
        found = self._overlapping(parts)
        slashed: list[Pattern] = []
        if settings.APPEND_SLASH and parts[-1] != "":
            slashed = self._overlapping((*parts, ""))  # CommonMiddleware redirects there from paths without a slash
        meant = _leading_to(meant_by(endpoint.dependencies), [*found, *slashed])
        own = {id(one) for one in meant} or _stands_for(parts, [*found, *slashed])
        others = [one for one in (*found, *slashed) if id(one) not in own]
        if not others:
            return None
        texts = {one: one.text for one in others}
        paths = {text if one in found else text.removesuffix("/") for one, text in texts.items() if text is not None}
        quick = _quick(one for one in others if texts[one] is None)

        def is_own(path: str) -> bool:
            for candidates, asked in ((found, path), (slashed, f"{path}/")):
                for one in candidates:
                    if one.matches(asked):
                        return id(one) in own
            return True

        def holds(path: str) -> bool:
            return (path not in paths and (quick is None or quick(path) is None)) or is_own(path)

        return Contest(frozenset(paths), holds, always=quick is not None)

    def branch(self, template: str, convertors: tuple[tuple[str, str], ...] = (), view: View | None = None) -> Branch:
        """The branch for `template`: the patterns that lead to `view`, if given, or else those of the same form."""
        found = self._branches.get((template, convertors, view))
        if found is None:
            found = self._branches[template, convertors, view] = self._branch(template, convertors, view)
        return found

    def _branch(self, template: str, convertors: tuple[tuple[str, str], ...], view: View | None) -> Branch:
        parts = tuple(parse_template(template, dict(convertors)))
        other = parts[:-1] if len(parts) > 1 and parts[-1] == "" else (*parts, "")
        near = self._overlapping(parts) + self._overlapping(other)
        of_form = _leading_to(view, near) or [one for one in near if _is_of_form(one, parts)]
        ways = [one.items for one in of_form]
        resolver = _only(self._root, list(dict.fromkeys(ways)), 0) if ways else None
        views = [way[-1].callback for way in ways if isinstance(way[-1], URLPattern)]
        return Branch(resolver, views, *_around(self._root, "/" + "/".join(_plain_start(parts))))

    def _overlapping(self, parts: Sequence[Part]) -> list[Pattern]:
        found = {id(leaf): leaf for leaf in self._tree.overlapping(parts)}
        return sorted((one for leaf in found.values() for one in leaf), key=lambda one: one.order)


def meant_by(dependencies: Sequence[object]) -> View | None:
    """The URLconf's view that an endpoint with these `dependencies` replaces, if one of them says so."""
    return next((view for one in dependencies if (view := getattr(one, "stands_for", None)) is not None), None)


def _leading_to(view: View | None, patterns: Sequence[Pattern]) -> list[Pattern]:
    return [] if view is None else [one for one in patterns if getattr(one.items[-1], "callback", None) is view]


def _is_index_of_admin(items: Items) -> bool:
    """Whether these patterns lead to the index page of an AdminSite, whatever its name."""
    return getattr(items[-1], "name", None) == "index" and any(
        getattr(item, "app_name", None) == "admin" for item in items
    )


def _stands_for(parts: Sequence[Part], patterns: Sequence[Pattern]) -> set[int]:
    """The ids of those `patterns` that a template with these `parts` replaces, in whole or in part."""
    samples = list(_samples(parts))
    own = {id(one) for one in patterns if samples and all(_takes_in(one, sample) for sample in samples)}
    if not any(id(one) in own and not _has_tail(one.parts) for one in patterns):
        # Narrower in Django: for instance a number that is text in the template, while the endpoint takes an int.
        own |= {id(one) for one in patterns if _is_of_form(one, parts)}
    return own


def _samples(parts: Sequence[Part]) -> Iterator[list[str]]:
    """Paths that a template matches, as segments, with values unusual enough that no narrower pattern matches them."""
    choices = []
    for part in parts:
        if isinstance(part, str):
            choices.append([part])
        else:
            matches = part.matcher()
            choices.append([text for text in SAMPLES if matches(text)][:2])
    if all(choices):
        for index in range(max(map(len, choices))):
            yield [choice[min(index, len(choice) - 1)] for choice in choices]


def _takes_in(pattern: Pattern, sample: Sequence[str]) -> bool:
    """Whether Django finds `pattern` for this path, with or without a slash at its end."""
    if pattern.language:
        sample = [pattern.language, *sample[1:]]
    path = "/" + "/".join(sample)
    return pattern.matches(path) or pattern.matches(path.removesuffix("/") if path.endswith("/") else f"{path}/")


def _has_tail(parts: Sequence[Part]) -> bool:
    return any(not isinstance(part, str) and part.whole_tail for part in parts)


def _has_form(parts: Sequence[Part], template: Sequence[Part]) -> bool:
    one, other = ([part for part in given if part != ""] for given in (parts, template))
    return len(one) == len(other) and all(
        mine == theirs or not (isinstance(mine, str) or isinstance(theirs, str) or mine.whole_tail != theirs.whole_tail)
        for mine, theirs in zip(one, other, strict=True)
    )


def _is_of_form(pattern: Pattern, parts: Sequence[Part]) -> bool:
    if not pattern.language:
        return _has_form(pattern.parts, parts)
    first = parts[0]
    is_prefix = first == pattern.language if isinstance(first, str) else bool(first.matcher()(pattern.language))
    return is_prefix and _has_form(pattern.parts[1:], parts[1:])


def _only(resolver: URLResolver, ways: Sequence[Items], depth: int) -> URLResolver:
    """`resolver` with only those patterns through which `ways` lead."""
    inner: list[URLPattern | URLResolver] = []
    for item in dict.fromkeys(way[depth] for way in ways):
        if isinstance(item, URLResolver):
            inner.append(_only(item, [way for way in ways if way[depth] is item], depth + 1))
        else:
            inner.append(item)
    return resolver_of(resolver, inner)


def _answers_head(view: Any) -> bool:
    """Whether a view that allows GET allows HEAD; True when that can't be determined."""
    if (made_of := class_behind(view)) is not None:
        kind, initial, _ = made_of
        return "head" in initial.get("http_method_names", getattr(kind, "http_method_names", ("head",)))
    methods = methods_required(view)
    return methods is None or "GET" not in methods or "HEAD" in methods


def _plain_start(parts: Sequence[Part]) -> list[str]:
    """The segments before the first parameter."""
    start: list[str] = []
    for part in parts:
        if not isinstance(part, str):
            return [*start, ""]
        start.append(part)
    return start


def _around(resolver: URLResolver, path: str) -> tuple[list[str | None], list[str | None]]:
    """The application names and namespaces of the includes whose prefixes `path` begins with, the longest of each
    level. If two with different namespaces have the same prefix, neither counts."""
    app_names: list[str | None] = []
    namespaces: list[str | None] = []
    rest = path[1:]
    while True:
        below = [
            (item, found[0])
            for item in resolver.url_patterns
            if isinstance(item, URLResolver) and (found := item.pattern.match(rest)) and found[0] != rest
        ]
        shortest = min((len(left) for _, left in below), default=0)
        below = [(item, left) for item, left in below if len(left) == shortest]
        if not below or len({item.namespace for item, _ in below}) > 1:
            return app_names, namespaces
        resolver, rest = below[0]
        app_names.append(resolver.app_name)
        namespaces.append(resolver.namespace)


@lru_cache(maxsize=64)
def patterns_of(urlconf: Any = None) -> Patterns:
    """The patterns of a URLconf: the project's, or the one that a middleware has set for a request."""
    return Patterns(urlconf)


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("ROOT_URLCONF", "LANGUAGES", "LANGUAGE_CODE", "APPEND_SLASH"):
        patterns_of.cache_clear()


setting_changed.connect(_forget)


def _quick(patterns: Iterator[Pattern]) -> Callable[[str], object] | None:
    """One regular expression that matches at least what `patterns` match, to be tried before Django is called."""
    texts = ["/" + "/".join(re.escape(p) if isinstance(p, str) else p.regex for p in one.parts) for one in patterns]
    # Without the slash at the end, since CommonMiddleware may add it.
    return (
        re.compile("|".join(f"(?:{text.removesuffix('/')}/?)" for text in texts), re.DOTALL).fullmatch
        if texts
        else None
    )


# -- from Django's patterns to segments ---------------------------------------------------------

Chain = tuple[RegexPattern | RoutePattern, ...]
Items = tuple[URLPattern | URLResolver, ...]


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
