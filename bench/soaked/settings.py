"""The benchmark's project on a PostgreSQL of its own, every request in a transaction."""

import os

from bench.project.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "bench.soaked"]  # noqa: F405
ROOT_URLCONF = "bench.soaked.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("TEST_POSTGRES_HOST", "localhost"),
        "PORT": os.environ.get("TEST_POSTGRES_PORT", "5432"),
        "USER": os.environ.get("TEST_POSTGRES_USER", "postgres"),
        "NAME": os.environ.get("SOAK_DATABASE", "gateway_soak"),
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    },
}
# The database is away now and then: thousands of tracebacks say nothing.
LOGGING["loggers"] |= {name: {"level": "CRITICAL"} for name in ("django.request", "gateway.upstreams")}  # noqa: F405
