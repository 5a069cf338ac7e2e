"""Makes RemoteUserMiddleware read the same header for all views of a project.

RemoteUserMiddleware reads META[header] in a synchronous chain and META["HTTP_" + header] in an asynchronous one, since
only WSGI servers set keys of META that aren't headers. With both kinds of chain in one process, the user that one view
sees would be ignored by the next, which would trust another header that a client may send. So the middleware runs in
every chain as it does in the one that the project was written for: its WSGI application's, or its ASGI application's.

From Django 6.1 on it does so only for `header = "REMOTE_USER"`, by the class of the request, in `get_username`. So that
method reads what it would under the project's own server, unless a class of the project overrides it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from gateway.compat.django import loaded_as
from gateway.legacy.loading import Ways, capabilities, made

__all__ = ["in_their_ways", "unset_header", "ways_of_project"]


def ways_of_project(*, asgi: bool) -> Ways:
    """`asgi`: the configuration names the project's ASGI application.

    Raises ImproperlyConfigured if the settings name an application of either kind and the two would read different
    keys.
    """
    under_wsgi, under_asgi = _ways(is_async=False), _ways(is_async=True)
    if asgi:
        return under_asgi
    if not getattr(settings, "ASGI_APPLICATION", None):
        return under_wsgi
    if not settings.WSGI_APPLICATION or under_wsgi == under_asgi:
        return under_asgi
    path = next(path for path in under_wsgi if under_wsgi[path] != under_asgi[path])
    header = import_string(path).header
    remedy = (
        "take ASGI_APPLICATION out of the settings"
        if hasattr(import_string(path), "get_username")
        else "set async_capable = False on the middleware"
    )
    raise ImproperlyConfigured(
        f'{path} reads META["{header}"] under WSGI and META["HTTP_{header}"] under ASGI, and the settings have both '
        f'WSGI_APPLICATION and ASGI_APPLICATION. Where ASGI serves the project, write asgi = "…" in [legacy]; '
        f"where WSGI does, {remedy}"
    )


def unset_header() -> tuple[str, str] | None:
    """A RemoteUserMiddleware and the key of META that it reads, if only a WSGI server could set that."""
    for path, is_async in _run(is_async=False).items():
        header: str = import_string(path).header
        if not is_async and not header.startswith("HTTP_"):
            return path, header
    return None


@contextmanager
def in_their_ways(ways: Ways) -> Iterator[None]:
    """During `load_middleware`: the middleware in `ways` read as `ways` say."""

    def in_its_way(path: str, middleware: Callable[..., Any]) -> Callable[..., Any]:
        if path not in ways:
            return middleware

        def factory(get_response: Callable[..., Any]) -> Any:
            return made(path, middleware, get_response, ways)

        factory.sync_capable, factory.async_capable = capabilities(path, middleware, ways)  # type: ignore[attr-defined] # as Django reads it
        return factory

    with loaded_as(in_its_way):
        yield


def _ways(*, is_async: bool) -> dict[str, bool]:
    """How each middleware that reads in two ways would read under a server of this kind."""
    kind: Any = _remote_user()
    if not hasattr(kind, "get_username"):  # before Django 6.1
        return {path: way for path, way in _run(is_async=is_async).items() if _can_be_either(path)}
    classes = {path: import_string(path) for path in _run(is_async=is_async)}
    return {
        path: is_async
        for path, found in classes.items()
        if found.header == kind.header and found.get_username is kind.get_username
    }


def _can_be_either(path: str) -> bool:
    return all(capabilities(path, import_string(path), {}))


def _run(*, is_async: bool) -> dict[str, bool]:
    """How each would run in a chain of this kind, as `BaseHandler.load_middleware` decides."""
    kind = _remote_user()
    found: dict[str, bool] = {}
    if kind is None:
        return found
    inner_is_async = is_async
    for path in reversed(settings.MIDDLEWARE):
        middleware = import_string(path)
        can_sync, can_async = capabilities(path, middleware, {})
        inner_is_async = can_async if inner_is_async or not can_sync else False
        if isinstance(middleware, type) and issubclass(middleware, kind):
            found[path] = inner_is_async
    return found


def _remote_user() -> type | None:
    """Django's class, if a middleware of the project may derive from it: importing it needs django.contrib.auth."""
    for path in settings.MIDDLEWARE:
        import_string(path)
    module = sys.modules.get("django.contrib.auth.middleware")
    found: type | None = getattr(module, "RemoteUserMiddleware", None)
    return found
