"""Views of Django REST framework as FastAPI routers, in one line each.

    app.include_router(lift(ProductViewSet))
    app.include_router(lift(CartView))

Everything stays the view's own: paths and the convertors of their parameters, actions, names, arguments of `as_view`,
decorators, authentication, permissions, throttles, parsers, renderers, versions, pagination, filters, errors, OPTIONS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.urls import URLPattern
from django.urls.resolvers import RegexPattern
from fastapi import APIRouter, Depends
from rest_framework.routers import BaseRouter, SimpleRouter
from rest_framework.settings import api_settings
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from gateway.bridge.drf.lifted import Lifted, endpoint_for
from gateway.bridge.drf.openapi.errors import ERRORS
from gateway.bridge.drf.openapi.operation import Documentation, OperationExtra
from gateway.bridge.drf.openapi.spectacular import path_in_document
from gateway.bridge.drf.original import NotLiftable, Original
from gateway.bridge.drf.route import DRFRoute
from gateway.compat.drf import class_behind
from gateway.compat.starlette import convertor_patterns
from gateway.legacy.templates import Named, Piece, Unspeakable, ViewUrl, convertor_for, templates, urls
from gateway.routing.template import ANY_SEGMENT
from gateway.wording import qualified_name

__all__ = ["NotLiftable", "lift"]

Liftable = type[APIView] | Callable[..., Any] | BaseRouter


def lift(
    view: Liftable,
    *,
    prefix: str = "",
    path: str | None = None,
    basename: str | None = None,
    name: str | None = None,
    router: type[SimpleRouter] | SimpleRouter | None = None,
    methods: Collection[str] | None = None,
    actions: Collection[str] | None = None,
    urlconf: Any = None,
    **options: Any,
) -> APIRouter:
    """A router with an endpoint for each method of `view` at each of its URLs, for a service with `answers = "drf"`.

    `view` is a ViewSet or APIView, a function made by `@api_view`, a view as the URLconf has it
    (`OrderView.as_view(paid=True)`), or a router of Django REST framework with all that is registered there. Its URLs
    are those that the project's URLconf, or `urlconf`, has for it, with their names and the arguments of `as_view`;
    with `prefix` ("/api/products", "/api/shops/{shop}/products") only those below it, with `path` ("/api/cart/{pk}/")
    only that one.

    A view without a URL needs a place, and so does one that is to have another URL, with a `basename`, `name` or
    `router` of its own: a ViewSet a `prefix`, at which `router` (a router class or instance, by default SimpleRouter)
    registers it; any other view a `path` in Starlette's syntax.

    `methods` and `actions` choose: `lift(ProductViewSet, actions=["list", "retrieve"])`. `options` are those of
    APIRouter, such as `tags` and `dependencies`.

    Raises NotLiftable, which says what to do instead.
    """
    place = Placement(prefix=prefix, path=path, basename=basename, name=name, router=router)
    made = APIRouter(route_class=DRFRoute, **options)
    there: set[str] = set()
    for url, original in _found(view, place, urlconf):
        chosen = [method for method in original.methods if _is_chosen(original, method, methods, actions)]
        for template in _spelled(url):
            if template in there:
                continue  # Django, too, uses the first
            there.add(template)
            _add(made, template, url, original, chosen, urlconf)
    if not made.routes:
        raise NotLiftable(f"{qualified_name(view)} has nothing for methods={methods!r} and actions={actions!r}")
    return made


def _is_chosen(
    original: Original, method: str, methods: Collection[str] | None, actions: Collection[str] | None
) -> bool:
    wanted = methods is None or method in {one.upper() for one in methods}
    return wanted and (actions is None or original.name_of(method) in actions)


def _add(router: APIRouter, path: str, url: ViewUrl, original: Original, methods: Sequence[str], urlconf: Any) -> None:
    part = Lifted(original, url.callback)
    for method in methods:
        named, documented = path, _is_documented(path, url, original)
        if documented and url.found:
            named, documented = _as_in_document(path, url, method)
        plain, arguments = _plain(named)
        operation = OperationExtra(original, method, plain, arguments, urlconf)
        router.add_api_route(
            named,
            endpoint_for(original, method),
            methods=[method],
            name=url.view_name,
            dependencies=[Depends(part), Depends(Documentation(operation))],
            response_model=None,
            responses={"default": ERRORS["default"]},
            openapi_extra=cast("dict[str, Any]", operation),
            include_in_schema=documented,
        )


def _as_in_document(path: str, url: ViewUrl, method: str) -> tuple[str, bool]:
    """`path` with its parameters named as in the project's API document, and whether that has this operation."""
    plain, _ = _plain(path)
    told = path_in_document(url.callback, method, plain)
    names = re.findall(r"{(\w+)}", told or "")
    given = iter(names)
    same = len(names) == plain.count("{")
    return re.sub(r"{\w+", lambda _: f"{{{next(given)}", path) if same else path, told is not None


def _plain(path: str) -> tuple[str, dict[str, str]]:
    """`path` without convertors, and the regular expressions of its parameters."""
    regexes = convertor_patterns()
    found = {name: regexes[kind or "str"] for name, kind in re.findall(r"{(\w+)(?::(\w+))?}", path)}
    return re.sub(r":\w+}", "}", path), found


def _is_documented(path: str, url: ViewUrl, original: Original) -> bool:
    """Whether the view has a schema, and the path is not a variant of one that is documented already: with a format
    suffix, or in another language."""
    if original.alone().schema is None:
        return False
    suffix = f"{{{api_settings.FORMAT_SUFFIX_KWARG}"
    return suffix not in path.rstrip("/").rpartition("/")[2] and url.language in ("", settings.LANGUAGE_CODE)


# -- which URLs ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Placement:
    """The place that `lift` was given for a view: where it is, or where it is to be."""

    prefix: str
    path: str | None
    basename: str | None
    name: str | None
    router: type[SimpleRouter] | SimpleRouter | None

    @property
    def is_new(self) -> bool:
        """Whether it names a new place, with more than a path."""
        return bool(self.basename or self.name or self.router)

    def has(self, url: ViewUrl) -> bool:
        """Whether `url` is at this place."""
        spelled = list(map(_shape, _spelled(url)))
        if self.path is not None and _shape(self.path) not in spelled:
            return False
        start = _shape(self.prefix.rstrip("/"))
        return any(path == start or path.startswith((f"{start}/", f"{start}.")) for path in spelled)

    def new(self, view: Liftable) -> Iterator[ViewUrl]:
        """The new URLs of a view that is in no URLconf; none if no place is given."""
        if isinstance(view, BaseRouter):
            return
        if isinstance(view, type) and issubclass(view, ViewSetMixin):
            if self.prefix:
                yield from self._registered(view)
        elif self.path is not None:
            callback: Any = cast("Any", view).as_view() if isinstance(view, type) else view
            yield ViewUrl(callback, self.name or callback.__name__, (), (), path=self.path, found=False)

    def _registered(self, kind: Any) -> Iterator[ViewUrl]:
        router = copy(self.router) if isinstance(self.router, SimpleRouter) else (self.router or SimpleRouter)()
        router.registry = []
        router.register(self.prefix.strip("/"), kind, self.basename)
        for pattern in router.get_urls():
            made_of = class_behind(pattern.callback)
            if isinstance(pattern, URLPattern) and made_of is not None and made_of.kind is kind:
                yield ViewUrl(pattern.callback, pattern.name, (), (cast("RegexPattern", pattern.pattern),), found=False)


def _found(view: Liftable, place: Placement, urlconf: Any) -> list[tuple[ViewUrl, Original]]:
    """The URLs of `view`, with the original at each. Raises NotLiftable when there are none."""
    is_meant = _test(view)
    there = [url for url in urls(urlconf) if is_meant(url.callback)]
    found = [url for url in there if place.has(url)]
    if not found and (not there or place.is_new):
        found = [*place.new(view)]
    if not found:
        raise NotLiftable(_nowhere(view, place, there))
    return [(url, original) for url in found if (original := Original.of(url.callback)) is not None]


def _test(view: Liftable) -> Callable[[Callable[..., Any]], bool]:
    """A test whether a callback of the URLconf is `view`, or made from it."""
    if isinstance(view, BaseRouter):
        registered = {id(pattern.callback) for pattern in view.urls if isinstance(pattern, URLPattern)}
        return lambda callback: id(callback) in registered
    if isinstance(view, type):
        return lambda callback: (made_of := class_behind(callback)) is not None and made_of.kind is view
    wanted = Original.of(view)
    if wanted is None:
        raise NotLiftable(f"{qualified_name(view)} is no view of Django REST framework's")
    return lambda callback: (
        callback is view
        or (
            (made_of := class_behind(callback)) is not None
            and made_of.kind is wanted.kind
            and Original.of(callback) == wanted
        )
    )


def _nowhere(view: Liftable, place: Placement, there: Sequence[ViewUrl]) -> str:
    if there:
        urls = ", ".join(map(str, there))
        return f"{qualified_name(view)} has no URL below {place.path or place.prefix!r}; it has {urls}"
    if isinstance(view, BaseRouter):
        return "the project's URLconf includes none of the router's URLs; include router.urls, or lift a ViewSet"
    how = 'prefix="/api/…"' if isinstance(view, type) and issubclass(view, ViewSetMixin) else 'path="/api/…/"'
    return f"no URL of the project leads to {qualified_name(view)}; say where it is to be, by {how}"


# -- path templates -----------------------------------------------------------------------------


def _spelled(url: ViewUrl) -> list[str]:
    """The paths of `url` as Starlette templates. Raises NotLiftable."""
    if url.path is not None:
        return [url.path]
    try:
        return ["".join(map(_piece, pieces)) for pieces in templates(url.chain)]
    except Unspeakable as exc:
        raise NotLiftable(f"{url}: {exc}; lift the view with path=…") from exc


def _piece(piece: Piece) -> str:
    if isinstance(piece, Named):
        return f"{{{piece.name}}}" if piece.regex == ANY_SEGMENT else f"{{{piece.name}:{convertor_for(piece.regex)}}}"
    if "{" in piece or "}" in piece:
        raise Unspeakable(f"{piece} has a brace")
    return piece


def _shape(path: str) -> str:
    """`path` without the names and convertors of its parameters."""
    return re.sub(r"{[^}]*}", "{}", path)
