"""Changes the headers of a mirror so that tracers don't record it as a caller's request."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["untraced", "without_traces"]

# Headers that name a request's trace: W3C Trace Context and Baggage, Sentry, Elastic, Datadog, Zipkin.
TRACING = frozenset(
    {
        b"traceparent",
        b"tracestate",
        b"baggage",
        b"sentry-trace",
        b"elastic-apm-traceparent",
        b"b3",
        b"uber-trace-id",
    }
)
PREFIXES = (b"x-datadog-", b"x-b3-")


def without_traces(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """`headers` without those of traces."""
    return [line for line in headers if line[0] not in TRACING and not line[0].startswith(PREFIXES)]


def untraced(headers: Iterable[tuple[bytes, bytes]], bits: Callable[[int], int]) -> list[tuple[bytes, bytes]]:
    """`headers` with those of a new trace that is not recorded, for each tracer. `bits` draws a number of that many
    bits."""
    kept = without_traces(headers)
    trace, span = bits(128) | 1, bits(64) | 1  # 0 is invalid
    return [
        *kept,
        (b"traceparent", b"00-%032x-%016x-00" % (trace, span)),
        (b"sentry-trace", b"%032x-%016x-0" % (trace, span)),
        (b"x-datadog-trace-id", b"%d" % (trace & (2**64 - 1))),
        (b"x-datadog-parent-id", b"%d" % span),
        (b"x-datadog-sampling-priority", b"-1"),
    ]
