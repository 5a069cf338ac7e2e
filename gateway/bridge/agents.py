"""What agents make of a service inside of Django's chain: one transaction, which has the name that FastAPI gives it.

An agent that watches both frameworks begins a transaction when Django's handler is called, and takes what FastAPI does
for a part of it. Two of them need to be told more than that (docs/monitoring.md); the others need nothing of this.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

from django.http import HttpRequest

from gateway.compat.elasticapm import leave_transactions_alone
from gateway.compat.opentelemetry import request_keys

__all__ = ["name_transaction", "watch_agents"]

Namer = Callable[[HttpRequest, str, str], None]

_namers: dict[str, Namer] = {}


def watch_agents() -> None:
    """Find out which agents this process has. To be called when Django is set up, and so are they."""
    for module, namer in (("opentelemetry.instrumentation.django", _opentelemetry), ("elasticapm", _elastic)):
        if module in sys.modules and module not in _namers:
            _namers[module] = namer()


def name_transaction(request: HttpRequest, method: str, template: str) -> None:
    """Name the transaction of `request`, which is about to reach the endpoint at `template`."""
    for namer in _namers.values():
        namer(request, method, template)


def _opentelemetry() -> Namer:
    """Django's instrumentor keeps the span of a request in its META, and names it by the URLconf, where a moved
    endpoint is not, or is still that of the view before."""
    span_key, attributes_key = request_keys()

    def name(request: HttpRequest, method: str, template: str) -> None:
        span = request.META.get(span_key)
        if span is not None:
            span.update_name(f"{method} {template}")
            span.set_attribute("http.route", template)
            attributes = request.META.get(attributes_key, {})
            attributes.update({key: template for key in ("http.route", "http.target") if key in attributes})

    return name


def _elastic() -> Namer:
    """Elastic APM ends the transaction that is current when an application of Starlette's is done: here it is Django's,
    which goes on. So it may only end one that the application has begun."""
    leave_transactions_alone()
    traces = importlib.import_module("elasticapm.traces")

    def name(_: HttpRequest, method: str, template: str) -> None:
        traces.set_transaction_name(f"{method} {template}")

    return name
