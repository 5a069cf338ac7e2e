"""Finds one endpoint by a user's input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from django.urls import Resolver404, resolve

from gateway.routing.table import ANY
from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.urlconf import endpoints

__all__ = ["NoSuchEndpoint", "find", "find_all"]

NEAR = 3  # suggestions in a message
_method = re.compile(r"(?P<method>[A-Za-z]+|\*)\s+(?P<path>/.*)")
_parameter = re.compile(r"{[^}]*}")


class NoSuchEndpoint(LookupError):
    """The project has no such endpoint. `near` are similar ones."""

    def __init__(self, text: str, near: Sequence[str]) -> None:
        self.text = text
        self.near = tuple(near)
        meant = f"; near it: {', '.join(near)}" if near else ""
        super().__init__(f"the project has no endpoint {text!r}{meant}. `gateway inventory` lists them all")


def find(text: str) -> Endpoint:
    """The endpoint that `text` names; if it names several, the one for GET, else the first.

    `text`: a template with or without its method (`GET /api/products/{id}/`), with any names of parameters; a path
    (`/api/products/7/`); a URL's name; or a view's dotted name, with or without the action. Raises NoSuchEndpoint.
    """
    found = find_all(text)
    return next((one for one in found if one.method in ("GET", ANY)), found[0])


def find_all(text: str) -> list[Endpoint]:
    """Every endpoint that `text` names, at least one: see `find`. Raises NoSuchEndpoint."""
    everything = endpoints()
    said = _method.fullmatch(text.strip())
    method, path = (said["method"].upper(), said["path"]) if said else (None, text.strip())
    found = _at(path, everything) if path.startswith("/") else _called(path, everything)
    if method is not None:
        found = [one for one in found if one.method in (method, ANY)]
    if not found:
        raise NoSuchEndpoint(text, _near(path, everything))
    return found


def _at(path: str, everything: Sequence[Endpoint]) -> list[Endpoint]:
    for form in (path, path.removesuffix("/") if path.endswith("/") else f"{path}/"):
        anonymous = _parameter.sub("{}", form)
        if found := [one for one in everything if _parameter.sub("{}", one.template) == anonymous]:
            return found
    return _resolved(path, everything)


def _resolved(path: str, everything: Sequence[Endpoint]) -> list[Endpoint]:
    try:
        route = resolve(path).route
    except Resolver404:
        return []
    return [one for one in everything if route in one.routes]


def _called(name: str, everything: Sequence[Endpoint]) -> list[Endpoint]:
    return [one for one in everything if name in (one.name, one.view, f"{one.view}.{one.action}")]


def _near(path: str, everything: Sequence[Endpoint]) -> list[str]:
    if path.startswith("/"):
        by_text = {one.template: str(one) for one in reversed(everything)}
    else:
        by_text = {text: text for one in everything for text in (one.view, one.name) if text}
    return [by_text[one] for one in get_close_matches(path, by_text, NEAR, 0.5)]
