"""OpenTelemetry's instrumentation of Django, which is optional: only a process that has it calls this."""

from __future__ import annotations

import importlib

__all__ = ["request_keys"]


def request_keys() -> tuple[str, str]:
    """Where a request's META has its span, and the attributes that its duration will be recorded with.

    `_DjangoMiddleware._environ_span_key` and `_environ_duration_attr_key`: while a service answers, the current span
    need not be Django's, and nothing public leads from a request to that.
    """
    middleware = importlib.import_module("opentelemetry.instrumentation.django.middleware.otel_middleware")
    return (
        middleware._DjangoMiddleware._environ_span_key,  # noqa: SLF001
        middleware._DjangoMiddleware._environ_duration_attr_key,  # noqa: SLF001
    )
