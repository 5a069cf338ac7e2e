"""Helps monitoring agents to see one transaction for a service inside Django's chain, named by FastAPI's template.

An agent that watches both frameworks begins a transaction when Django's handler is called, and treats FastAPI as a part
of it. Two agents need more than that (docs/monitoring.md); the others don't need this module.
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
    """Find out which agents this process has. To be called when Django and the agents are set up."""
    for module, namer in (("opentelemetry.instrumentation.django", _opentelemetry), ("elasticapm", _elastic)):
        if module in sys.modules and module not in _namers:
            _namers[module] = namer()


def name_transaction(request: HttpRequest, method: str, template: str) -> None:
    """Name the transaction of `request`, which is about to reach the endpoint at `template`."""
    for namer in _namers.values():
        namer(request, method, template)


def _opentelemetry() -> Namer:
    """Django's instrumentor keeps the span of a request in its META, and names it by the URLconf, which lacks a moved
    endpoint, or still has the former view."""
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
    """Elastic APM ends the current transaction when a Starlette application is done. Here that is Django's, which goes
    on; so it may only end one that the application has begun."""
    leave_transactions_alone()
    traces = importlib.import_module("elasticapm.traces")

    def name(_: HttpRequest, method: str, template: str) -> None:
        traces.set_transaction_name(f"{method} {template}")

    return name
