"""Agents as installed from PyPI, each with a transport that writes to the file AGENT_FILE instead of a network."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from typing import Any

mirrors: list[int] = []
_lock = threading.Lock()
ELASTIC = {
    "SERVICE_NAME": "site",
    "TRANSPORT_CLASS": "tests.monitoring.site.elastic.Recorder",
    "CENTRAL_CONFIG": False,
    "CLOUD_PROVIDER": "none",
    "METRICS_INTERVAL": "0s",
}


def record(**line: Any) -> None:
    """Write down one thing that an agent would send."""
    with _lock, open(os.environ["AGENT_FILE"], "a") as file:  # noqa: PTH123 - shorter
        file.write(json.dumps(line, default=str) + "\n")


def set_up(agent: str) -> None:
    {"sentry": _sentry, "otel": _otel, "ddtrace": _ddtrace, "none": lambda: None}[agent]()


def processors() -> int:
    if os.environ["AGENT"] != "sentry":
        return 0
    import sentry_sdk

    scopes = (sentry_sdk.get_current_scope(), sentry_sdk.get_isolation_scope(), sentry_sdk.get_global_scope())
    return sum(len(scope._event_processors) for scope in scopes)


def _sentry() -> None:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Recorder(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            for item in envelope.items:
                if (event := item.get_transaction_event() or item.get_event()) is not None:
                    trace = event.get("contexts", {}).get("trace", {})
                    record(
                        kind=event.get("type", "error"),
                        name=event.get("transaction"),
                        trace=trace.get("trace_id"),
                        span=trace.get("span_id"),
                        parent=trace.get("parent_span_id"),
                        method=event.get("request", {}).get("method"),
                        url=event.get("request", {}).get("url"),
                        data=event.get("request", {}).get("data"),
                        user=event.get("user", {}).get("id"),
                        error=[one["value"] for one in event.get("exception", {}).get("values", [])],
                        op=trace.get("op"),
                    )

    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1",
        transport=Recorder,
        traces_sample_rate=1.0,
        send_default_pii=True,
        max_request_body_size="always",
    )


def _otel() -> None:
    from opentelemetry import trace
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

    class Recorder(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            for span in spans:
                context = span.get_span_context()
                record(
                    kind=span.kind.name,
                    name=span.name,
                    trace=f"{context.trace_id:032x}",
                    span=f"{context.span_id:016x}",
                    parent=span.parent and f"{span.parent.span_id:016x}",
                    route=(span.attributes or {}).get("http.route"),
                    status=(span.attributes or {}).get("http.status_code"),
                    error=[event.name for event in span.events],
                )
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Recorder()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument()
    FastAPIInstrumentor().instrument(exclude_spans=["receive", "send"])


def _ddtrace() -> None:
    import ddtrace.auto  # noqa: F401 - as ddtrace-run does
    from ddtrace.trace import TraceFilter, tracer

    class Recorder(TraceFilter):
        def process_trace(self, trace: list[Any]) -> None:
            for span in trace:
                record(
                    kind=span.span_type,
                    name=span.name,
                    resource=span.resource,
                    trace=str(span.trace_id),
                    span=str(span.span_id),
                    parent=span.parent_id and str(span.parent_id),
                    route=span.get_tag("http.route"),
                    error=span.error,
                    status=span.get_tag("http.status_code"),
                    priority=span.context.sampling_priority,
                )

    tracer.configure(trace_processors=[Recorder()])
