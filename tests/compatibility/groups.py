"""Which packages are tried in one project together, and how each is set up there, as its documentation says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from structlog.testing import LogCapture

__all__ = ["GROUPS", "LOG", "SENT", "SPANS", "Group"]

LOG = LogCapture()  # django-structlog's and the work's events
SENT: list[dict[str, Any]] = []  # what sentry-sdk would have sent
SPANS: Any = None  # OpenTelemetry's exporter, once it is set up

SECURITY = "django.middleware.security.SecurityMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
LOCAL = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Group:
    """A project: what is installed in it. `prepare` runs once Django is set up, before anything is served."""

    middleware: tuple[str, ...]
    apps: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)
    asgi: str | None = None
    prepare: Callable[[], None] = lambda: None


def _log_events() -> None:
    import structlog

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, LOG])


def _monitor() -> None:
    """As the documentation of both says, with what would be sent kept here."""
    global SPANS  # noqa: PLW0603 - once in a process
    import sentry_sdk
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from sentry_sdk.transport import Transport

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            SENT.extend(item.payload.json for item in envelope.items if item.type in ("event", "transaction"))

    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Kept, traces_sample_rate=1.0, send_default_pii=True)
    SPANS = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SPANS))
    DjangoInstrumentor().instrument(tracer_provider=provider)
    FastAPIInstrumentor().instrument(tracer_provider=provider)


def _postgresql() -> dict[str, Any]:
    from tests.support.postgres import HOST, PORT, USER

    place = {"NAME": os.environ.get("COMPATIBILITY_DATABASE"), "HOST": HOST, "PORT": PORT, "USER": USER}
    return {"default": {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 60} | place}


def _mariadb() -> dict[str, Any]:
    from tests.support.mariadb import HOST, PORT, USER

    place = {"NAME": os.environ.get("COMPATIBILITY_DATABASE"), "HOST": HOST, "PORT": PORT, "USER": USER}
    return {"default": {"ENGINE": "django.db.backends.mysql", "CONN_MAX_AGE": 60} | place}


GROUPS: Mapping[str, Group] = {
    "django": Group(
        (
            SECURITY,
            "django.middleware.gzip.GZipMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
            SESSIONS,
            "django.middleware.locale.LocaleMiddleware",
            COMMON,
            "django.middleware.csrf.CsrfViewMiddleware",
            USERS,
            MESSAGES,
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ),
        settings={
            "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
            "SECURE_HSTS_SECONDS": 60,
        },
    ),
    "login": Group(
        (
            SESSIONS,
            USERS,
            "tests.compatibility.site.middleware.ProxyUserMiddleware",
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
        ),
        settings={
            "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.RemoteUserBackend"],
            "LOGIN_URL": "/login/",
        },
    ),
    "cache": Group(
        (
            "django.middleware.cache.UpdateCacheMiddleware",
            SESSIONS,
            USERS,
            "django.middleware.cache.FetchFromCacheMiddleware",
        ),
        settings={
            "CACHES": {
                "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
                "redis": {
                    "BACKEND": "django_redis.cache.RedisCache",
                    "LOCATION": os.environ.get("TEST_REDIS_URL", "redis://localhost:6379/0"),
                    "KEY_PREFIX": f"gateway-compatibility-{os.environ.get('COMPATIBILITY_RUN', '')}",
                },
            },
            "SESSION_ENGINE": "django.contrib.sessions.backends.cache",
            "SESSION_CACHE_ALIAS": "redis",
        },
    ),
    "others": Group(
        (
            "django_prometheus.middleware.PrometheusBeforeMiddleware",
            "django_guid.middleware.guid_middleware",
            "corsheaders.middleware.CorsMiddleware",
            SECURITY,
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "csp.middleware.CSPMiddleware",
            SESSIONS,
            COMMON,
            USERS,
            MESSAGES,
            "hijack.middleware.HijackUserMiddleware",
            "django_htmx.middleware.HtmxMiddleware",
            "django_structlog.middlewares.RequestMiddleware",
            "waffle.middleware.WaffleMiddleware",
            "maintenance_mode.middleware.MaintenanceModeMiddleware",
            "django_ratelimit.middleware.RatelimitMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "axes.middleware.AxesMiddleware",
            "django_prometheus.middleware.PrometheusAfterMiddleware",
        ),
        (
            "allauth",
            "allauth.account",
            "axes",
            "corsheaders",
            "csp",
            "django_guid",
            "django_htmx",
            "django_prometheus",
            "django_structlog",
            "hijack",
            "maintenance_mode",
            "waffle",
        ),
        {
            "AUTHENTICATION_BACKENDS": [
                "axes.backends.AxesStandaloneBackend",
                "django.contrib.auth.backends.ModelBackend",
            ],
            "CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"default-src": ["'self'"]}},
            "CORS_ALLOWED_ORIGINS": ["https://app.example"],
            "DJANGO_GUID": {"VALIDATE_GUID": False},
            "MAINTENANCE_MODE": True,
            "MAINTENANCE_MODE_IGNORE_URLS": (r"^/(?!.*/maintenance/)",),
            "MAINTENANCE_MODE_RESPONSE_TYPE": "json",
            "RATELIMIT_VIEW": "tests.compatibility.site.middleware.too_many",
            "WHITENOISE_USE_FINDERS": True,
        },
        {"accounts/": "allauth.urls", "hijack/": "hijack.urls"},
        prepare=_log_events,
    ),
    "history": Group(
        (
            SESSIONS,
            USERS,
            "silk.middleware.SilkyMiddleware",
            "crum.CurrentRequestUserMiddleware",
            "simple_history.middleware.HistoryRequestMiddleware",
            "reversion.middleware.RevisionMiddleware",
        ),
        ("silk", "simple_history", "reversion"),
        urls={"silk/": "silk.urls"},
    ),
    "toolbar": Group(
        ("debug_toolbar.middleware.DebugToolbarMiddleware", SESSIONS, USERS),
        ("debug_toolbar",),
        {"DEBUG": True, "INTERNAL_IPS": [LOCAL]},
        {"__debug__/": "debug_toolbar.urls"},
    ),
    "postgresql": Group(
        (SESSIONS, USERS, "pghistory.middleware.HistoryMiddleware"),
        ("pgtrigger", "pghistory"),
        {"DATABASES": _postgresql(), "PGHISTORY_MIDDLEWARE_METHODS": ("GET", "POST")},
    ),
    "mariadb": Group((SESSIONS, USERS), settings={"DATABASES": _mariadb()}),
    "asynchronous": Group(
        ("servestatic.middleware.ServeStaticMiddleware", SESSIONS, USERS),
        ("servestatic",),
        {"SERVESTATIC_USE_FINDERS": True},
    ),
    "channels": Group((SESSIONS, USERS), ("channels",), asgi="tests.compatibility.site.channels:application"),
    "monitoring": Group((SESSIONS, USERS), prepare=_monitor),
}
