"""Walks through the project's URLconf."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from django.urls import URLResolver, get_resolver

from gateway.legacy.url_pattern import Items
from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.source import app_of, is_third_party, line_with, location
from gateway.workbench.inventory.template import DjangoPattern, PathTemplate, templates
from gateway.workbench.inventory.views import ViewHandler, handlers, innermost, kind_of

__all__ = ["endpoints"]


def endpoints(urlconf: Any = None) -> list[Endpoint]:
    """Every endpoint of the project's URLconf, or of another one, in its order. Django must be set up.

    This includes those that an earlier pattern hides. HEAD and OPTIONS are left out if the view has other methods.
    """
    root = get_resolver(urlconf)
    return list(dict.fromkeys(_below(root, (), (), None)))


def _below(
    resolver: URLResolver, items: Items, chain: tuple[DjangoPattern, ...], module: ModuleType | None
) -> Iterator[Endpoint]:
    """The endpoints below `resolver`; `module` is the innermost URLconf module that contains it."""
    if isinstance(resolver.urlconf_module, ModuleType):
        module = resolver.urlconf_module
    for item in resolver.url_patterns:
        inner, patterns = (*items, item), (*chain, item.pattern)
        if isinstance(item, URLResolver):
            yield from _below(item, inner, patterns, module)
            continue
        found = [*handlers(item.callback, item.name)]
        for template in templates(patterns):
            yield from (_endpoint(item.callback, handler, template, inner, module) for handler in found)


def _endpoint(
    callback: Callable[..., Any], handler: ViewHandler, template: PathTemplate, items: Items, urlconf: ModuleType | None
) -> Endpoint:
    module, file, line = _written(handler, str(items[-1].pattern), urlconf)
    return Endpoint(
        method=handler.method,
        template=template.text,
        pattern=template.routes[0],
        parameters=template.parameters,
        callback=callback,
        view_class=handler.view_class,
        action=handler.action,
        initkwargs=handler.initkwargs,
        name=_name(items),
        app=app_of(module),
        file=file,
        line=line,
        kind=kind_of(callback, items),
        function=handler.function,
        routes=template.routes,
        third_party=is_third_party(file),
        format_suffix=template.text.rstrip("/").endswith(".{format}"),
        items=items,
    )


def _written(handler: ViewHandler, pattern: str, urlconf: ModuleType | None) -> tuple[str, str, int]:
    """Module, file and line of the handler; of the URLconf, if the handler is a generic view of Django's."""
    written = handler.view_class or innermost(handler.function)
    module = getattr(written, "__module__", None) or type(written).__module__
    if urlconf is not None and module.startswith("django.views.generic"):
        return urlconf.__name__, *line_with(urlconf, pattern)
    return module, *location(handler.function)


def _name(items: Items) -> str | None:
    name = getattr(items[-1], "name", None)
    namespaces = [item.namespace for item in items if isinstance(item, URLResolver) and item.namespace]
    return ":".join([*namespaces, name]) if name else None
