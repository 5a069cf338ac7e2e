"""Where OpenTelemetry's middleware for Django leaves the span of a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.module_loading import import_string

from gateway.compat.opentelemetry import request_keys

pytest.importorskip("opentelemetry.instrumentation.django")


@pytest.fixture
def middleware(settings: Any) -> Iterator[Any]:
    """The middleware that the instrumentor adds to the settings."""
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    settings.MIDDLEWARE = []
    instrumentor = DjangoInstrumentor()
    instrumentor.instrument(tracer_provider=TracerProvider())
    yield import_string(settings.MIDDLEWARE[0])
    instrumentor.uninstrument()


def test_the_span_of_a_request_and_what_its_duration_is_recorded_with(middleware):
    def view(request):
        span, attributes = (request.META[key] for key in request_keys())
        span.update_name("GET /items/{pk}")
        found.append((span.is_recording(), span.name, attributes["http.method"]))
        return HttpResponse()

    found: list[Any] = []
    middleware(view)(RequestFactory().get("/items/7"))

    assert found == [(True, "GET /items/{pk}", "GET")]
