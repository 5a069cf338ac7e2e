"""A mirror says of itself that no tracer is to record it."""

import re

import pytest

from gateway.mirroring.tracing import untraced
from gateway.randomness import RANDOMNESS

CALLER = [
    (b"host", b"example.com"),
    (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    (b"tracestate", b"dd=s:2"),
    (b"baggage", b"sentry-sampled=true"),
    (b"sentry-trace", b"771a43a4192642f0b136d5159a501700-7d1d2f2b5a0c4b4e-1"),
    (b"elastic-apm-traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    (b"x-datadog-trace-id", b"1"),
    (b"x-datadog-sampling-priority", b"2"),
    (b"x-b3-sampled", b"1"),
    (b"accept", b"*/*"),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("traceparent", r"00-[0-9a-f]{32}-[0-9a-f]{16}-00"),
        ("sentry-trace", r"[0-9a-f]{32}-[0-9a-f]{16}-0"),
        ("x-datadog-sampling-priority", "-1"),
        ("x-datadog-trace-id", r"\d+"),
        ("x-datadog-parent-id", r"\d+"),
        ("host", "example.com"),
        ("accept", r"\*/\*"),
    ],
)
def test_each_tracer_is_told_in_its_own_words(name, expected):
    [value] = [value for key, value in untraced(CALLER, RANDOMNESS.bits) if key == name.encode()]
    assert re.fullmatch(expected, value.decode())


@pytest.mark.parametrize("name", ["tracestate", "baggage", "elastic-apm-traceparent", "x-b3-sampled"])
def test_nothing_is_left_of_the_callers_trace(name):
    assert name.encode() not in dict(untraced(CALLER, RANDOMNESS.bits))


def test_each_mirror_is_a_trace_of_its_own():
    assert len({dict(untraced(CALLER, RANDOMNESS.bits))[b"traceparent"] for _ in range(5)}) == 5
