"""Security schemes: how a client authenticates, according to a view's classes or their source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from rest_framework.authentication import BaseAuthentication, SessionAuthentication

from gateway.bridge.drf.openapi.spectacular import schemes_in_document

__all__ = ["Known", "describe_scheme", "schemes_of_view"]

Definition = Mapping[str, Any]
_described: dict[type[Any], tuple[str, Definition]] = {}

# Attributes of a request that an authenticator reads, and OpenAPI's names for these places.
PLACES = {"COOKIES": "cookie", "headers": "header", "META": "header", "query_params": "query", "GET": "query"}


class Known(NamedTuple):
    """A security scheme: its name in the document, its definition, and the scopes that the view asks for."""

    name: str
    definition: Definition
    scopes: tuple[str, ...] = ()


def describe_scheme(authenticator: type[Any], name: str, definition: Definition) -> None:
    """Declare how callers authenticate to `authenticator`, an authentication or permission class, if that can't be
    detected: `definition` is an OpenAPI security scheme, `{"type": "apiKey", "in": "cookie", "name": "access"}`.

    It applies to lifts and `drf()` after this call. If drf-spectacular makes the project's document, its extensions are
    used.
    """
    _described[authenticator] = (name, definition)
    _of_class.cache_clear()


def schemes_of_view(view: Any) -> list[Known]:
    """The schemes of a view, as the project's document has them, or else derived from its classes."""
    documented = schemes_in_document(view)
    if documented is not None:
        return [Known(name, definition) for name, definition in documented]
    classes = dict.fromkeys([*view.authentication_classes, *view.permission_classes])
    return [
        Known(name, definition, tuple(_scopes(view)) if definition["type"] == "oauth2" else ())
        for one in classes
        if isinstance(one, type)
        for name, definition in _of_class(one)
    ]


def _scopes(view: Any) -> Iterator[str]:
    """The scopes that the permission classes of django-oauth-toolkit require."""
    for kind in view.permission_classes:
        permission: Any = kind()
        try:
            if hasattr(permission, "get_scopes"):
                yield from permission.get_scopes(view.request, view)
            elif hasattr(permission, "get_required_alternate_scopes"):
                yield from permission.get_required_alternate_scopes(view.request, view)[view.request.method][0]
        except Exception:  # noqa: BLE001, S112 - a class that needs a real request says nothing here
            continue


@cache
def _of_class(kind: Any) -> tuple[tuple[str, Definition], ...]:
    for base in kind.__mro__:
        if base in _described:
            return (_described[base],)
    if hasattr(kind, "key_parser"):  # djangorestframework-api-key's permissions
        return ((kind.__name__, _api_key_of(kind)),)
    if not issubclass(kind, BaseAuthentication):
        return ()
    if issubclass(kind, SessionAuthentication):
        return ((kind.__name__, _key("cookie", settings.SESSION_COOKIE_NAME, "The session's cookie.")),)
    found = [(f"{kind.__name__}{number or ''}", one) for number, one in enumerate(_definitions(kind))]
    return tuple(found)


def _definitions(kind: Any) -> Iterator[Definition]:
    challenge = _challenge(kind)
    modules = {base.__module__.partition(".")[0] for base in kind.__mro__}
    if "oauth2_provider" in modules:
        yield _oauth2()
    elif challenge.lower() == "bearer":
        yield {"type": "http", "scheme": "bearer"} | (
            {"bearerFormat": "JWT"} if "rest_framework_simplejwt" in modules else {}
        )
    elif challenge.lower() == "basic":
        yield {"type": "http", "scheme": "basic"}
    else:
        read = [*_read_by(kind)]
        if challenge and not any(one["in"] == "header" for one in read):
            # A scheme that OpenAPI tools don't know.
            yield _key("header", "Authorization", f"`{challenge}`, a space, and the credentials.")
        yield from read
        return
    yield from (one for one in _read_by(kind) if one["in"] == "cookie")


def _key(place: str, name: str, description: str = "") -> dict[str, str]:
    return {"type": "apiKey", "in": place, "name": name} | ({"description": description} if description else {})


def _challenge(authenticator: type[BaseAuthentication]) -> str:
    """The scheme that the class sends in its WWW-Authenticate header."""
    try:
        header = authenticator().authenticate_header(None)  # type: ignore[arg-type] # there is no request yet
    except Exception:  # noqa: BLE001 - somebody's class that needs one: it works, but is not documented
        return ""
    return (header or "").partition(" ")[0]


def _oauth2() -> Definition:
    """The scheme of django-oauth-toolkit, with the project's scopes."""
    from oauth2_provider.scopes import get_scopes_backend  # type: ignore[import-not-found,unused-ignore] # a project's

    token, authorize = _address("token"), _address("authorize")
    scopes = get_scopes_backend().get_all_scopes()
    code = {"authorizationUrl": authorize, "tokenUrl": token, "refreshUrl": token, "scopes": scopes}
    return {
        "type": "oauth2",
        "flows": {"authorizationCode": code, "clientCredentials": {"tokenUrl": token, "scopes": scopes}},
    }


def _address(name: str) -> str:
    try:
        return reverse(f"oauth2_provider:{name}")
    except NoReverseMatch:  # another server issues the tokens
        return f"/o/{name}/"


def _api_key_of(kind: Any) -> Definition:
    custom = getattr(settings, "API_KEY_CUSTOM_HEADER", None)
    if custom:
        return _key("header", _header(custom))
    keyword = getattr(kind.key_parser, "keyword", "Api-Key")
    return _key("header", "Authorization", f"`{keyword}`, a space, and the key.")


# -- what a class reads, by its source ---------------------------------------------------------------


def _read_by(kind: Any) -> Iterator[dict[str, str]]:
    """The cookies, headers and query parameters that the class reads under a constant name."""
    seen: set[tuple[str, str]] = set()
    for tree in _sources(kind):
        for node in ast.walk(tree):
            found = _read(node)
            if found is not None and found not in seen and found != ("header", "Authorization"):
                seen.add(found)
                yield _key(*found)


def _sources(kind: Any) -> Iterator[ast.AST]:
    """The source of the class and its bases, without DRF's own."""
    for base in kind.__mro__:
        if base is object or base.__module__.startswith("rest_framework."):
            continue
        try:
            yield ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):  # it has none, or it can't be parsed by itself
            continue


def _read(node: ast.AST) -> tuple[str, str] | None:
    """`request.COOKIES["name"]`, `request.headers.get("Name")` and the like, as a place and a name."""
    if isinstance(node, ast.Subscript):
        place, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        place, key = node.func.value, node.args[0]
    else:
        return None
    if not isinstance(place, ast.Attribute) or place.attr not in PLACES:
        return None
    name = _text(key)
    if name is None:
        return None
    return PLACES[place.attr], _header(name) if place.attr == "META" else name


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "settings":
        found = getattr(settings, node.attr, None)
        return found if isinstance(found, str) else None
    return None


def _header(variable: str) -> str:
    return variable.removeprefix("HTTP_").replace("_", "-").title()
