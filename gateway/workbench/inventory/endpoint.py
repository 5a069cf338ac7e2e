"""One endpoint of the project: a method on a path template, and what Django runs there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from asgiref.sync import iscoroutinefunction
from django.urls import URLPattern, URLResolver

from gateway.workbench.inventory.source import dotted_name

__all__ = ["Endpoint", "Kind", "Parameter"]

Kind = Literal["drf", "django", "ninja", "admin", "static", "other"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a path. `converter` is that of `path()` ("int"), empty in a regular expression; `regex` is what
    the text has to match. Where the URLconf names none, the name is `var`, `var2` and so on."""

    name: str
    converter: str
    regex: str


@dataclass(frozen=True)
class Endpoint:
    """One method on one path template.

    `method` is "*" where the view doesn't say which it takes. `template` is as gateway.toml writes it, `pattern` as
    Django does; `routes` are all that `ResolverMatch.route` may be there, one for each language under `i18n_patterns`.
    `callback` is what the URLconf has; `function` is what somebody wrote: the view function, the method of a class, or
    the class itself where the method is inherited. `file` and `line` are its, `app` the label of its app or else the
    package. `third_party`: it is installed, not the project's. `items` lead to it from the root.
    """

    method: str
    template: str
    pattern: str
    parameters: tuple[Parameter, ...]
    callback: Callable[..., Any] = field(compare=False, repr=False)
    view_class: type | None
    action: str | None
    initkwargs: Mapping[str, Any] = field(compare=False, repr=False)
    name: str | None
    app: str
    file: str
    line: int
    kind: Kind
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
