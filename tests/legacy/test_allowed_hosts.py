"""Which hosts Django would allow, asked on the event loop."""

from __future__ import annotations

import pytest

from gateway.legacy.proxy_settings import AllowedHosts


@pytest.fixture
def allowed(settings):
    settings.ALLOWED_HOSTS = ["shop.example", ".wide.example"]
    return AllowedHosts()


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        (b"shop.example", True),
        (b"shop.example:8000", True),
        (b"a.wide.example", True),
        (b"evil.example", False),
        (b"shop.example/evil", False),
        (b"", False),
        (b"a" * 600 + b".wide.example", True),
        (b"a" * 600 + b".evil.example", False),
    ],
)
def test_a_host_is_allowed_as_by_django_each_time(allowed, host, is_allowed):
    assert [host in allowed for _ in range(2)] == [is_allowed] * 2


def test_however_many_hosts_callers_make_up(allowed):
    assert not any(f"evil{number}.example".encode() in allowed for number in range(1100))
    assert b"shop.example" in allowed
