"""Django: what its handlers, requests, responses, settings and resolvers keep to themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from copy import copy
from types import ModuleType
from typing import IO, Any, cast

import django
import django.core.asgi
import django.core.wsgi
from django.conf import settings
from django.core.handlers import base
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db.transaction import Atomic
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, URLPattern, URLResolver, get_resolver
from django.utils.functional import LazyObject, empty

__all__ = [
    "allow_durable_inside",
    "asgi_application_around",
    "async_source",
    "check_csrf",
    "finish_as",
    "forget_lazy",
    "forget_non_atomic",
    "forget_settings",
    "function_path",
    "has_files",
    "loaded",
    "loaded_as",
    "methods_required",
    "non_atomic_aliases",
    "replace_resolve",
    "resolver_of",
    "set_body",
    "settings_in_force",
    "take_body",
    "wsgi_application_around",
]

Resolve = Callable[[str], ResolverMatch]


# -- handlers -------------------------------------------------------------------------------------


@contextmanager
def _instead(owner: Any, name: str, value: object) -> Iterator[None]:
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)


@contextmanager
def loaded_as(make: Callable[[str, Any], Any]) -> Iterator[None]:
    """While `load_middleware` runs, it gets what `make` makes of each entry of MIDDLEWARE and of what that names.

    `django.core.handlers.base.import_string`: Django takes the entries from settings only, keeps no list of what it
    loaded, and reads from the class, which may be its own, in which way it can run. So its own import of them is
    replaced meanwhile.
    """
    original = base.import_string  # type: ignore[attr-defined] # Django's stubs leave imports out
    with _instead(base, "import_string", lambda path: make(path, original(path))):
        yield


def wsgi_application_around(made: Callable[[], WSGIHandler]) -> Any:
    """What `get_wsgi_application` gives, around the handler that `made` makes.

    `django.core.wsgi.WSGIHandler`: the function takes none, and is what monitoring wraps. Django is set up by now, and
    once more would configure logging again, which disables every logger that was made since.
    """
    with _instead(django, "setup", lambda **_: None), _instead(django.core.wsgi, "WSGIHandler", made):
        return django.core.wsgi.get_wsgi_application()


def asgi_application_around(made: Callable[[], ASGIHandler]) -> Any:
    """What `get_asgi_application` gives, likewise: `django.core.asgi.ASGIHandler`."""
    with _instead(django, "setup", lambda **_: None), _instead(django.core.asgi, "ASGIHandler", made):
        return django.core.asgi.get_asgi_application()


# -- requests and responses -----------------------------------------------------------------------


def set_body(request: WSGIRequest, body: IO[bytes]) -> None:
    """Let `request` read `body` to its end.

    `WSGIRequest._stream`: Django stops where the client's Content-Length says, which needn't have said it.
    """
    request._stream = body  # type: ignore[assignment] # noqa: SLF001 - its type is BinaryIO


def take_body(scope: MutableMapping[str, Any]) -> IO[bytes] | None:
    """Take what a test is to send out of the scope that Django's asynchronous client has made.

    `_body_file`: the client hands its handler a scope, in which there is no public place for a body.
    """
    return cast("IO[bytes] | None", scope.pop("_body_file", None))


def has_files(request: HttpRequest | None) -> bool:
    """Whether `request` came with files, as far as somebody has looked.

    `HttpRequest._files`: asking for `FILES` would read the body.
    """
    return bool(getattr(request, "_files", None))


def check_csrf(request: HttpRequest, *, check: bool) -> None:
    """Say whether CsrfViewMiddleware, and whoever does as it, is to look for a token.

    `_dont_enforce_csrf_checks`: how Django's own test clients say it; `csrf_exempt` is for a view.
    """
    request._dont_enforce_csrf_checks = not check  # type: ignore[attr-defined] # noqa: SLF001


def finish_as(response: HttpResponseBase, handler: type[BaseHandler]) -> None:
    """Let `request_finished`, which `response.close()` sends, come from `handler`, as Django's own handlers do.

    `HttpResponseBase._handler_class`: there is no argument for it.
    """
    response._handler_class = handler  # type: ignore[attr-defined] # noqa: SLF001


def async_source(response: StreamingHttpResponse) -> AsyncIterator[Any]:
    """The asynchronous iterator that `response` was given.

    `StreamingHttpResponse._iterator`: Django leaves closing it to the garbage collector, and `streaming_content` is
    another one around it.
    """
    return cast("AsyncIterator[Any]", response._iterator)  # type: ignore[attr-defined] # noqa: SLF001


# -- lazy objects and settings --------------------------------------------------------------------


def loaded(value: Any) -> Any:
    """What a lazy object stands for; None where nobody has asked for it yet. What isn't lazy is itself.

    `LazyObject._wrapped`: whatever else is asked of the object asks, and so loads, what it stands for.
    """
    if not isinstance(value, LazyObject):
        return value
    found = vars(value)["_wrapped"]
    return None if found is empty else found


def forget_lazy(value: Any) -> None:
    """Let `value` be made again by whoever asks for it next.

    `LazyObject._wrapped`, to which Django itself does so where a test changes STATIC_URL.
    """
    vars(value)["_wrapped"] = empty


def forget_settings(*names: str) -> None:
    """Let these settings be worked out again by whoever asks next.

    `vars(settings)`: Django keeps each there as it was when first asked for, MEDIA_URL and STATIC_URL with the path
    before them that the site is served under.
    """
    for name in names:
        vars(settings).pop(name, None)


def settings_in_force() -> dict[str, Any]:
    """The settings as they are now; Django's defaults are among them where it has copied them, as for a module.

    `LazySettings._wrapped`, and `default_settings` and `_deleted` of a UserSettingsHolder: signals tell of
    `override_settings` alone; django-webtest and `mock.patch.object(settings, …)` send none. Django has no public name
    for all that is set, and for what is overridden; `dir(settings)` and asking for each would take longer than most
    requests.
    """
    found: dict[str, Any] = {}
    layers = []
    holder = settings._wrapped  # type: ignore[misc] # noqa: SLF001
    while holder is not None and not isinstance(holder, ModuleType):  # that of the defaults
        layers.append(holder)
        holder = vars(holder).get("default_settings")
    for layer in reversed(layers):
        found.update(vars(layer))
        for name in vars(layer).get("_deleted", ()):
            found.pop(name, None)
    return {name: value for name, value in found.items() if name.isupper()}


# -- views and URLs -------------------------------------------------------------------------------


def function_path(match: ResolverMatch) -> str:
    """The name of the view that `match` leads to, with its module; of a class-based view, that of the class.

    `ResolverMatch._func_path`: Django's own `repr` and admindocs have it from there.
    """
    return match._func_path  # noqa: SLF001


def non_atomic_aliases(view: object) -> frozenset[str]:
    """The databases for which `view` was marked with `non_atomic_requests`.

    `_non_atomic_requests`: the decorator leaves it for `BaseHandler.make_view_atomic`, which can't be asked.
    """
    return frozenset(getattr(view, "_non_atomic_requests", ()))


def forget_non_atomic(view: object) -> None:
    """Undo `non_atomic_requests`, which has no opposite, on a view that has another's marks."""
    vars(view).pop("_non_atomic_requests", None)


def methods_required(view: Any) -> Sequence[str] | None:
    """The methods that `require_http_methods` and its like let through to `view`; None where none of them is around it.

    What the decorator was given is nowhere but in the function that it makes: its free variable `request_method_list`.
    """
    names = getattr(getattr(view, "__code__", None), "co_freevars", ())
    if "request_method_list" not in names:
        return None
    return cast("Sequence[str]", view.__closure__[names.index("request_method_list")].cell_contents)


def replace_resolve(urlconf: Any, make: Callable[[Resolve], Resolve]) -> None:
    """Let paths be resolved in `urlconf`, or in the project's own for None, by what `make` makes of Django's way; once.

    Django has no public place for that: everything that resolves a path calls `resolve` of the resolver that
    `get_resolver` keeps, so it is replaced on that one object.
    """
    resolver = get_resolver(urlconf)
    if "resolve" not in vars(resolver):
        resolver.resolve = make(resolver.resolve)  # type: ignore[method-assign, assignment] # on this object alone


def resolver_of(resolver: URLResolver, patterns: Sequence[URLPattern | URLResolver]) -> URLResolver:
    """`resolver` with these patterns instead of its own, and without what `replace_resolve` has done to it.

    `URLResolver.url_patterns` is a cached property: a resolver takes a module, or a list at its root only. It is
    copied, since it may be of a class of the project's own.
    """
    made = copy(resolver)
    vars(made).pop("resolve", None)
    vars(made)["url_patterns"] = patterns
    return made


# -- databases ------------------------------------------------------------------------------------


def allow_durable_inside(block: Atomic) -> None:
    """Let `atomic(durable=True)` stand inside of `block`.

    `Atomic._from_testcase`: how Django's TestCase, whose transaction is rolled back too, says it.
    """
    block._from_testcase = True  # type: ignore[attr-defined] # noqa: SLF001
