"""The project with `gateway.control`, on PostgreSQL: BENCH_POSTGRES, as for the demo shop."""

from urllib.parse import urlsplit

from bench.project.settings import *  # noqa: F403
from bench.project.settings import INSTALLED_APPS as PLAIN
from bench.shop import POSTGRES

NAME = "gateway_bench_control"
_server = urlsplit(POSTGRES)

INSTALLED_APPS = [*PLAIN, "gateway.control"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": NAME,
        "HOST": _server.hostname,
        "PORT": _server.port or "",
        "USER": _server.username or "",
        "PASSWORD": _server.password or "",
        "CONN_MAX_AGE": None,
    },
}
