"""Django: private attributes of its handlers, requests, responses, settings and resolvers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from copy import copy
from types import ModuleType
from typing import IO, Any, cast
from weakref import ReferenceType

import django
import django.core.asgi
import django.core.wsgi
from django.conf import settings
from django.core.handlers import base
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db.transaction import Atomic
from django.dispatch import Signal
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
    "replace_send",
    "resolver_of",
    "session_data",
    "set_body",
    "settings_in_force",
    "take_body",
    "unsaved",
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
    """During `load_middleware`: let it use the result of `make` for each entry of MIDDLEWARE and the object that it
    names.

    `django.core.handlers.base.import_string`: Django takes the entries only from settings, keeps no list of what it
    loaded, and reads from the class, which may be its own, how it can run. So its import function is replaced
    meanwhile.
    """
    original = base.import_string  # type: ignore[attr-defined] # Django's stubs leave imports out
    with _instead(base, "import_string", lambda path: make(path, original(path))):
        yield


def wsgi_application_around(made: Callable[[], WSGIHandler]) -> Any:
    """The result of `get_wsgi_application`, with the handler that `made` makes.

    `django.core.wsgi.WSGIHandler`: the function takes no handler, and is what monitoring wraps. Django is set up
    already; setting it up again would configure logging again, which disables every logger created since.
    """
    with _instead(django, "setup", lambda **_: None), _instead(django.core.wsgi, "WSGIHandler", made):
        return django.core.wsgi.get_wsgi_application()


def asgi_application_around(made: Callable[[], ASGIHandler]) -> Any:
    """The result of `get_asgi_application`, in the same way: `django.core.asgi.ASGIHandler`."""
    with _instead(django, "setup", lambda **_: None), _instead(django.core.asgi, "ASGIHandler", made):
        return django.core.asgi.get_asgi_application()


# -- requests and responses -----------------------------------------------------------------------


def set_body(request: WSGIRequest, body: IO[bytes]) -> None:
    """Make `request` read `body` to its end.

    `WSGIRequest._stream`: Django stops at Content-Length, which the client need not have sent.
    """
    request._stream = body  # type: ignore[assignment] # noqa: SLF001 - its type is BinaryIO


def take_body(scope: MutableMapping[str, Any]) -> IO[bytes] | None:
    """Remove and return the body that a test sends from the scope that Django's asynchronous client has made.

    `_body_file`: the client passes a scope to its handler, which has no public place for a body.
    """
    return cast("IO[bytes] | None", scope.pop("_body_file", None))


def has_files(request: HttpRequest | None) -> bool:
    """Whether `request` has files, as far as it was parsed.

    `HttpRequest._files`: reading `FILES` would parse the body.
    """
    return bool(getattr(request, "_files", None))


def check_csrf(request: HttpRequest, *, check: bool) -> None:
    """Switch CsrfViewMiddleware's check on or off for a request.

    `_dont_enforce_csrf_checks`: used by Django's own test clients; `csrf_exempt` is for views.
    """
    request._dont_enforce_csrf_checks = not check  # type: ignore[attr-defined] # noqa: SLF001


def finish_as(response: HttpResponseBase, handler: type[BaseHandler]) -> None:
    """Make `request_finished`, which `response.close()` sends, have `handler` as its sender, as in Django's own
    handlers.

    `HttpResponseBase._handler_class`: there is no argument for it.
    """
    response._handler_class = handler  # type: ignore[attr-defined] # noqa: SLF001


def async_source(response: StreamingHttpResponse) -> AsyncIterator[Any]:
    """The asynchronous iterator that `response` was given.

    `StreamingHttpResponse._iterator`: Django leaves closing it to the garbage collector, and `streaming_content` wraps
    it in another one.
    """
    return cast("AsyncIterator[Any]", response._iterator)  # type: ignore[attr-defined] # noqa: SLF001


# -- lazy objects and settings --------------------------------------------------------------------


def loaded(value: Any) -> Any:
    """The object that a lazy object wraps; None if it isn't loaded yet. Other objects are returned unchanged.

    `LazyObject._wrapped`: any other access loads the object.
    """
    if not isinstance(value, LazyObject):
        return value
    found = vars(value)["_wrapped"]
    return None if found is empty else found


def forget_lazy(value: Any) -> None:
    """Make `value` load its object again at the next access.

    `LazyObject._wrapped`; Django itself does this when a test changes STATIC_URL.
    """
    vars(value)["_wrapped"] = empty


def forget_settings(*names: str) -> None:
    """Make these settings be computed again at the next access.

    `vars(settings)`: Django caches each there, MEDIA_URL and STATIC_URL with the prefix under which the site is served.
    """
    for name in names:
        vars(settings).pop(name, None)


def settings_in_force() -> dict[str, Any]:
    """The current settings; Django's defaults are included where it has copied them, as for a module.

    `LazySettings._wrapped`, and `default_settings` and `_deleted` of a UserSettingsHolder: there are signals only for
    `override_settings`; django-webtest and `mock.patch.object(settings, …)` send none. Django has no public name for
    all settings with their overrides; `dir(settings)` and reading each would take longer than most requests.
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


# -- signals --------------------------------------------------------------------------------------


def replace_send(signal: Signal, sender: type, instead: Mapping[Callable[..., object], Callable[[], object]]) -> None:
    """Where `signal` is sent by `sender`, and all that receives it are keys of `instead`: call the values, in the order
    of the receivers. In all other cases, also when receivers are connected or disconnected later, it is sent. Once more
    makes no difference.

    `Signal.receivers`, a list whose items begin with the IDs of receiver and sender, and a reference to the receiver:
    there is no public way to know them, and `send` finds them anew each time.
    """
    if "send" in vars(signal):
        return
    only = sender
    # The receivers, and what to call instead of them: one tuple, which all threads replace as a whole.
    known: tuple[list[Any], tuple[Callable[[], object], ...] | None] = ([], None)

    def look_again() -> tuple[list[Any], tuple[Callable[[], object], ...] | None]:
        receivers = list(signal.receivers)
        weak = [receiver for ids, receiver, *_ in receivers if ids[1] in (id(None), id(only))]
        found: list[Any] = [receiver() if isinstance(receiver, ReferenceType) else receiver for receiver in weak]
        return receivers, tuple(instead[one] for one in found) if instead.keys() >= {*found} else None

    def send(sender: object, **named: object) -> list[tuple[Any, Any]]:
        nonlocal known
        receivers, calls = known
        if signal.receivers != receivers:
            known = _, calls = look_again()
        if calls is None or sender is not only:
            return Signal.send(signal, sender, **named)
        for call in calls:
            call()
        return []

    signal.send = send  # type: ignore[method-assign] # on this object alone


# -- views and URLs -------------------------------------------------------------------------------


def function_path(match: ResolverMatch) -> str:
    """The name of the view that `match` leads to, with its module; for a class-based view, that of the class.

    `ResolverMatch._func_path`: used by Django's own `repr` and admindocs.
    """
    return match._func_path  # noqa: SLF001


def non_atomic_aliases(view: object) -> frozenset[str]:
    """The databases for which `view` was marked with `non_atomic_requests`.

    `_non_atomic_requests`: set by the decorator for `BaseHandler.make_view_atomic`, which can't be called for this.
    """
    return frozenset(getattr(view, "_non_atomic_requests", ()))


def forget_non_atomic(view: object) -> None:
    """Undo `non_atomic_requests`, which has no inverse, on a view with the marks of another one."""
    vars(view).pop("_non_atomic_requests", None)


def methods_required(view: Any) -> Sequence[str] | None:
    """The methods that `require_http_methods` or a similar decorator allows for `view`; None without such a decorator.

    The decorator's argument is only in the function that it makes: its free variable `request_method_list`.
    """
    names = getattr(getattr(view, "__code__", None), "co_freevars", ())
    if "request_method_list" not in names:
        return None
    return cast("Sequence[str]", view.__closure__[names.index("request_method_list")].cell_contents)


def replace_resolve(urlconf: Any, make: Callable[[Resolve], Resolve]) -> None:
    """Make `urlconf` (None: the project's own) resolve paths by the result of `make` for Django's function; only once.

    Django has no public hook for this: everything that resolves a path calls `resolve` of the resolver that
    `get_resolver` caches, so it is replaced on that object.
    """
    resolver = get_resolver(urlconf)
    if "resolve" not in vars(resolver):
        resolver.resolve = make(resolver.resolve)  # type: ignore[method-assign, assignment] # on this object alone


def resolver_of(resolver: URLResolver, patterns: Sequence[URLPattern | URLResolver]) -> URLResolver:
    """A copy of `resolver` with these patterns instead of its own, and without `replace_resolve`.

    `URLResolver.url_patterns` is a cached property: a resolver takes a module, or at its root a list. It is copied,
    since it may be of a class of the project.
    """
    made = copy(resolver)
    vars(made).pop("resolve", None)
    vars(made)["url_patterns"] = patterns
    return made


# -- databases ------------------------------------------------------------------------------------


def allow_durable_inside(block: Atomic) -> None:
    """Allow `atomic(durable=True)` inside `block`.

    `Atomic._from_testcase`: set by Django's TestCase, whose transaction is rolled back too.
    """
    block._from_testcase = True  # type: ignore[attr-defined] # noqa: SLF001


# -- sessions -------------------------------------------------------------------------------------


def session_data(session: Any) -> dict[str, Any]:
    """What is in a session that has been read or written, without noting that somebody has looked.

    `SessionBase._session`, which loads it where nobody has yet. It sets `accessed`, by which SessionMiddleware adds
    `Vary: Cookie`, as all does that is public.
    """
    accessed = session.accessed
    data: dict[str, Any] = session._session  # noqa: SLF001
    session.accessed = accessed
    return data


def unsaved(session: Any) -> Any:
    """`session`, to be read by the rest of the request and not to be saved at its end, nor its cookie sent again.

    `SessionMiddleware.process_response` leaves a response alone if `request.session.accessed` raises AttributeError, as
    it does for a request without a session. There is no public way with SESSION_SAVE_EVERY_REQUEST.
    """
    return _Unsaved(session)


class _Unsaved:
    def __init__(self, session: Any) -> None:
        self._wrapped = session

    def __getattr__(self, name: str) -> Any:
        if name in ("accessed", "modified"):
            raise AttributeError(name)
        return getattr(self._wrapped, name)

    def __getitem__(self, key: str) -> Any:
        return self._wrapped[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._wrapped[key] = value

    def __delitem__(self, key: str) -> None:
        del self._wrapped[key]

    def __contains__(self, key: str) -> bool:
        return key in self._wrapped
