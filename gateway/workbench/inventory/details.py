"""Further details of an endpoint, determined on demand."""

from __future__ import annotations

import inspect
import sys
import types
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.forms import BaseForm

from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.source import code_of, dotted_name
from gateway.workbench.inventory.views import layers

__all__ = ["Details", "details_of"]

# Libraries that wait for the network: where an asynchronous endpoint gains most.
_WAITING = frozenset(
    {"requests", "httpx", "urllib3", "aiohttp", "boto3", "botocore", "smtplib", "grpc", "stripe", "pika"}
)
_HARMLESS = ("django/views/decorators/", "django/utils/")
MIXINS = "django.contrib.auth.mixins"


@dataclass(frozen=True, slots=True)
class Details:
    """What an endpoint uses. For Django's views, `permissions` are their decorators and mixins; `forms` and `templates`
    are those that they name. `waits_on` are the libraries through which the view's module makes network calls.
    `serializer`, its `fields` and their `depth`, `pagination`, `filters` and media types are DRF's."""

    authentication: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    throttles: tuple[str, ...] = ()
    serializer: str | None = None
    fields: int = 0
    depth: int = 0
    pagination: str | None = None
    filters: tuple[str, ...] = ()
    parsers: tuple[str, ...] = ()
    renderers: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    csrf_exempt: bool = False
    waits_on: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=8192)
def details_of(endpoint: Endpoint) -> Details:
    """The details of an endpoint. The view is not run for it."""
    if endpoint.kind == "drf" and endpoint.view_class is not None:
        return _of_drf(endpoint)
    return Details(
        permissions=_guards(endpoint),
        forms=tuple(dotted_name(form) for form in _forms(endpoint)),
        templates=_templates(endpoint),
        csrf_exempt=bool(getattr(endpoint.callback, "csrf_exempt", False)),
        waits_on=_waits_on(endpoint.function),
    )


def _of_drf(endpoint: Endpoint) -> Details:
    from gateway.workbench.drf.policies import policies_of

    kind = endpoint.view_class or type(endpoint.callback)
    found = policies_of(kind, endpoint.action, endpoint.initkwargs, endpoint.method)
    return Details(
        authentication=found.authentication,
        permissions=found.permissions,
        throttles=found.throttles,
        serializer=dotted_name(found.serializer) if found.serializer is not None else None,
        fields=found.fields,
        depth=found.depth,
        pagination=found.pagination,
        filters=found.filters,
        parsers=found.parsers,
        renderers=found.renderers,
        csrf_exempt=True,
        waits_on=_waits_on(endpoint.function),
        notes=found.notes,
    )


def _guards(endpoint: Endpoint) -> tuple[str, ...]:
    """The decorators of a view, and those of Django's mixins that check the caller."""
    kind = endpoint.view_class
    around = [*layers(endpoint.callback)][:-1] if kind is None else [*layers(getattr(kind, "dispatch", None))][:-1]
    names = [_decorator(one) for one in around]
    mixins = [base for base in kind.__mro__ if base.__module__ == MIXINS] if kind is not None else []
    own = [dotted_name(base) for base in mixins if base.__name__ != "AccessMixin"]
    return tuple(dict.fromkeys([*filter(None, names), *own]))


def _decorator(function: Any) -> str:
    """The name of the decorator that made a function; "" for those of Django's that don't check the caller."""
    code = getattr(function, "__code__", None)
    if code is None or "<locals>" not in code.co_qualname or any(part in code.co_filename for part in _HARMLESS):
        return ""
    return str(code.co_qualname.partition(".<locals>")[0])


def _module(function: Any) -> types.ModuleType | None:
    inner = inspect.unwrap(function) if callable(function) else function
    return sys.modules.get(getattr(inner, "__module__", None) or type(inner).__module__)


def _forms(endpoint: Endpoint) -> list[type]:
    given = endpoint.initkwargs.get("form_class", getattr(endpoint.view_class, "form_class", None))
    names = {name for code in code_of(endpoint.function) for name in code.co_names}
    module = _module(endpoint.function)
    known = vars(module) if module is not None else {}
    found = [given, *(known.get(name) for name in sorted(names))]
    return list(dict.fromkeys(one for one in found if isinstance(one, type) and issubclass(one, BaseForm)))


def _templates(endpoint: Endpoint) -> tuple[str, ...]:
    given = endpoint.initkwargs.get("template_name", getattr(endpoint.view_class, "template_name", None))
    texts = [const for code in code_of(endpoint.function) for const in code.co_consts if isinstance(const, str)]
    named = [text for text in texts if text.endswith((".html", ".txt", ".xml", ".jinja", ".j2")) and " " not in text]
    return tuple(dict.fromkeys([*([given] if isinstance(given, str) else []), *named]))


def _waits_on(function: Any) -> tuple[str, ...]:
    """The libraries of `_WAITING` that the function's module has imported, under any name."""
    module = _module(function)
    return _waiting_in(module) if module is not None else ()


@lru_cache(maxsize=1024)
def _waiting_in(module: types.ModuleType) -> tuple[str, ...]:
    values = list(vars(module).values())
    roots = {one.__name__.partition(".")[0] for one in values if isinstance(one, types.ModuleType)}
    named = (one for one in values if isinstance(one, type | types.FunctionType))
    roots |= {str(one.__module__).partition(".")[0] for one in named}
    return tuple(sorted(roots & _WAITING))
