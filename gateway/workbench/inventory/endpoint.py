"""One endpoint of the project: a method on a path template, and the code that Django runs for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from asgiref.sync import iscoroutinefunction
from django.urls import URLPattern, URLResolver

from gateway.workbench.inventory.source import dotted_name

__all__ = ["Endpoint", "PathParameter", "ViewKind"]

ViewKind = Literal["drf", "django", "ninja", "admin", "static", "other"]


@dataclass(frozen=True, slots=True)
class PathParameter:
    """A parameter of a path. `converter` is that of `path()` ("int"), empty in a regular expression; `regex` is what
    the text must match. If the URLconf doesn't name it, its name is `var`, `var2` and so on."""

    name: str
    converter: str
    regex: str


@dataclass(frozen=True)
class Endpoint:
    """One method on one path template.

    `method` is "*" if the view's methods are unknown. `template` is in the form of gateway.toml, `pattern` in Django's;
    `routes` are all possible values of `ResolverMatch.route`, one for each language under `i18n_patterns`. `callback`
    is the URLconf's; `function` is the code in the project: the view function, the method of a class, or the class
    itself if the method is inherited. `file` and `line` are its location, `app` the label of its app or else the
    package. `third_party`: it is part of an installed package. `items` are the URL patterns from the root to it.
    """

    method: str
    template: str
    pattern: str
    parameters: tuple[PathParameter, ...]
    callback: Callable[..., Any] = field(compare=False, repr=False)
    view_class: type | None
    action: str | None
    initkwargs: Mapping[str, Any] = field(compare=False, repr=False)
    name: str | None
    app: str
    file: str
    line: int
    kind: ViewKind
    function: Any = field(compare=False, repr=False)
    routes: tuple[str, ...] = field(repr=False)
    third_party: bool
    format_suffix: bool
    items: tuple[URLPattern | URLResolver, ...] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def view(self) -> str:
        """The dotted name of the view: of its class, or of its function."""
        return dotted_name(self.view_class or self.function)

    @property
    def is_async(self) -> bool:
        """Whether Django awaits the view."""
        return iscoroutinefunction(self.callback)
