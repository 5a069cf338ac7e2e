"""A mirror is no request of a caller's: its headers tell tracers not to record it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["untraced", "without_traces"]

# What says which trace a request belongs to: W3C Trace Context and Baggage, Sentry, Elastic, Datadog, Zipkin.
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
    """`headers` that say nothing of a trace."""
    return [line for line in headers if line[0] not in TRACING and not line[0].startswith(PREFIXES)]


def untraced(headers: Iterable[tuple[bytes, bytes]], bits: Callable[[int], int]) -> list[tuple[bytes, bytes]]:
    """`headers` as one that isn't recorded, of a trace that nobody else is in, in the words of each tracer. `bits`
    draws a number of so many."""
    kept = without_traces(headers)
    trace, span = bits(128) | 1, bits(64) | 1  # none may be 0
    return [
        *kept,
        (b"traceparent", b"00-%032x-%016x-00" % (trace, span)),
        (b"sentry-trace", b"%032x-%016x-0" % (trace, span)),
        (b"x-datadog-trace-id", b"%d" % (trace & (2**64 - 1))),
        (b"x-datadog-parent-id", b"%d" % span),
        (b"x-datadog-sampling-priority", b"-1"),
    ]
