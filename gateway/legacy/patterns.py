"""Compares the patterns of the project's URLconf, in Django's order, with the templates of services.

Django stops at the first pattern that matches a path, whatever the method. So a template of a service may match paths
of another view: `/tags/{tag}/` matches `/tags/me/`. Those paths stay with the project."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.urls import get_resolver

from gateway.compat.django import methods_required
from gateway.compat.drf import class_behind
from gateway.legacy.branch import Branch, branch_of
from gateway.legacy.replaced import ViewCallable, is_of_form, leading_to, meant_by, replaced_by
from gateway.legacy.url_pattern import Items, UrlPattern, url_patterns
from gateway.routing.table import Contest, EndpointPattern
from gateway.routing.template import Part, parse_template
from gateway.routing.tree import Tree

__all__ = ["Patterns", "patterns_of"]


class Patterns:
    """All patterns of a URLconf, by default the project's. Django must be set up."""

    def __init__(self, urlconf: Any = None) -> None:
        self._root = get_resolver(urlconf)
        self._all = url_patterns(self._root)
        self._branches: dict[tuple[str, tuple[tuple[str, str], ...], ViewCallable | None], Branch] = {}
        self._tree: Tree[list[UrlPattern]] = Tree(list)
        for pattern in self._all:
            self._tree.leaf_at(pattern.parts).append(pattern)

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

    def owner(self, path: str) -> Items | None:
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
        slashed: list[UrlPattern] = []
        if settings.APPEND_SLASH and parts[-1] != "":
            slashed = self._overlapping((*parts, ""))  # CommonMiddleware redirects there from paths without a slash
        meant = leading_to(meant_by(endpoint.dependencies), [*found, *slashed])
        own = {id(one) for one in meant} or replaced_by(parts, [*found, *slashed])
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

    def branch(
        self, template: str, convertors: tuple[tuple[str, str], ...] = (), view: ViewCallable | None = None
    ) -> Branch:
        """The branch for `template`: the patterns that lead to `view`, if given, or else those of the same form."""
        found = self._branches.get((template, convertors, view))
        if found is None:
            found = self._branches[template, convertors, view] = self._branch(template, convertors, view)
        return found

    def _branch(self, template: str, convertors: tuple[tuple[str, str], ...], view: ViewCallable | None) -> Branch:
        parts = tuple(parse_template(template, dict(convertors)))
        other = parts[:-1] if len(parts) > 1 and parts[-1] == "" else (*parts, "")
        near = self._overlapping(parts) + self._overlapping(other)
        of_form = leading_to(view, near) or [one for one in near if is_of_form(one, parts)]
        return branch_of(self._root, [one.items for one in of_form], parts)

    def _overlapping(self, parts: Sequence[Part]) -> list[UrlPattern]:
        found = {id(leaf): leaf for leaf in self._tree.overlapping(parts)}
        return sorted((one for leaf in found.values() for one in leaf), key=lambda one: one.order)


def _is_index_of_admin(items: Items) -> bool:
    """Whether these patterns lead to the index page of an AdminSite, whatever its name."""
    return getattr(items[-1], "name", None) == "index" and any(
        getattr(item, "app_name", None) == "admin" for item in items
    )


def _answers_head(view: Any) -> bool:
    """Whether a view that allows GET allows HEAD; True when that can't be determined."""
    if (made_of := class_behind(view)) is not None:
        kind, initial, _ = made_of
        return "head" in initial.get("http_method_names", getattr(kind, "http_method_names", ("head",)))
    methods = methods_required(view)
    return methods is None or "GET" not in methods or "HEAD" in methods


def _quick(patterns: Iterator[UrlPattern]) -> Callable[[str], object] | None:
    """One regular expression that matches at least what `patterns` match, to be tried before Django is called."""
    texts = ["/" + "/".join(re.escape(p) if isinstance(p, str) else p.regex for p in one.parts) for one in patterns]
    # Without the slash at the end, since CommonMiddleware may add it.
    return (
        re.compile("|".join(f"(?:{text.removesuffix('/')}/?)" for text in texts), re.DOTALL).fullmatch
        if texts
        else None
    )


@lru_cache(maxsize=64)
def patterns_of(urlconf: Any = None) -> Patterns:
    """The patterns of a URLconf: the project's, or the one that a middleware has set for a request."""
    return Patterns(urlconf)


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("ROOT_URLCONF", "LANGUAGES", "LANGUAGE_CODE", "APPEND_SLASH"):
        patterns_of.cache_clear()


setting_changed.connect(_forget)
