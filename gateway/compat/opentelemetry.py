"""OpenTelemetry's instrumentation of Django, which is optional: only called in a process that has it."""

from __future__ import annotations

import importlib

__all__ = ["request_keys"]


def request_keys() -> tuple[str, str]:
    """The keys of a request's META for its span, and for the attributes with which its duration will be recorded.

    `_DjangoMiddleware._environ_span_key` and `_environ_duration_attr_key`: while a service answers, the current span
    need not be Django's, and there is no public way from a request to its span.
    """
    middleware = importlib.import_module("opentelemetry.instrumentation.django.middleware.otel_middleware")
    return (
        middleware._DjangoMiddleware._environ_span_key,  # noqa: SLF001
        middleware._DjangoMiddleware._environ_duration_attr_key,  # noqa: SLF001
    )
