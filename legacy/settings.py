"""Settings of the demo shop. Everything that differs between machines comes from the environment.

| variable | default | meaning |
|---|---|---|
| `DJANGO_DEBUG` | on | debug pages; turn it off anywhere but on a laptop |
| `SECRET_KEY` | a development key while debugging | required when `DJANGO_DEBUG` is off |
| `ALLOWED_HOSTS` | localhost, 127.0.0.1, [::1], testserver | comma-separated host names |
| `CSRF_TRUSTED_ORIGINS` | none | comma-separated origins, with scheme |
| `DJANGO_HTTPS` | off | mark cookies as secure: the site is only reached over TLS |
| `DATABASE_URL` | SQLite at `var/demo.sqlite3` | `postgresql://user:password@host:port/name`, or `mysql://…` |
| `EMAIL_BACKEND` | the console | dotted path of a Django e-mail backend |
| `LOG_LEVEL` | INFO | level of the shop's own loggers, the request log among them |
| `MAINTENANCE_FILE` | `var/maintenance` | while this file exists, the shop is closed to all but staff |
| `API_THROTTLE_ANON`, `API_THROTTLE_USER` | 1000/second | DRF rates; empty means unlimited |
| `API_THROTTLE_WRITE` | 600/minute | rate of creating orders and reviews; empty means unlimited |
| `SUPPLIERS_URL` | http://127.0.0.1:9100 | where the suppliers' quotes are asked |
| `SUPPLIERS_TIMEOUT` | 2 | seconds to wait for one supplier |
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


def env_bool(name: str, default: bool) -> bool:
    """Read an on/off variable; anything but 1, true, yes and on counts as off."""
    value = os.environ.get(name)
    return default if value is None else value.strip().lower() in {"1", "true", "yes", "on"}


def env_list(name: str, default: str = "") -> list[str]:
    """Read a comma-separated variable, without empty entries."""
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


ENGINES = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql"}


def database(url: str, sqlite_file: Path) -> dict[str, Any]:
    """Translate a `postgresql://` or `mysql://` URL to Django's form; an empty URL means SQLite."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": sqlite_file,
            "OPTIONS": {
                # Readers never wait for the writer, and a writer takes its lock at BEGIN, where the
                # timeout applies, instead of failing half-way through the transaction.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
            },
            # A file, not memory: each thread of a test has its own connection, as in production.
            "TEST": {"NAME": sqlite_file.parent / f"test-{os.getpid()}.sqlite3"},
        }
    parts = urlsplit(url)
    if parts.scheme not in ENGINES or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"DATABASE_URL={url!r}: expected postgresql://user:password@host:port/name")
    return {
        "ENGINE": f"django.db.backends.{ENGINES[parts.scheme]}",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
    }


BASE_DIR = Path(__file__).resolve().parent
VAR_DIR = BASE_DIR.parent / "var"
VAR_DIR.mkdir(exist_ok=True)

DEBUG = env_bool("DJANGO_DEBUG", default=True)
SECRET_KEY = os.environ.get("SECRET_KEY", "for-development-only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set: expected a long random string when DJANGO_DEBUG is off")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_bool("DJANGO_HTTPS", default=False)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
    "rest_framework.authtoken",
    "legacy.accounts",
    "legacy.shop",
    "legacy.suppliers",
    "gateway.control",
]

MIDDLEWARE = [
    "legacy.middleware.request_log.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "legacy.middleware.tenant.TenantMiddleware",
    "legacy.middleware.maintenance.MaintenanceMiddleware",
]

ROOT_URLCONF = "legacy.urls"
WSGI_APPLICATION = "legacy.wsgi.application"
ASGI_APPLICATION = "legacy.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.i18n",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "legacy.shop.context_processors.shop",
            ],
        },
    },
]

DATABASES = {
    "default": {
        **database(os.environ.get("DATABASE_URL", ""), VAR_DIR / "demo.sqlite3"),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "product-list"
LOGOUT_REDIRECT_URL = "product-list"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("el", _("Greek"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Europe/Athens"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"

_email_backend = os.environ.get("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
if django.VERSION >= (6, 1):  # where EMAIL_BACKEND is deprecated
    MAILERS = {"default": {"BACKEND": _email_backend}}
else:
    EMAIL_BACKEND = _email_backend
DEFAULT_FROM_EMAIL = "shop@example.com"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.DjangoModelPermissionsOrAnonReadOnly"],
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.SearchFilter",
        "legacy.shop.api.filters.StableOrderingFilter",
    ],
    "DEFAULT_PAGINATION_CLASS": "legacy.shop.api.pagination.PagePagination",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": os.environ.get("API_THROTTLE_ANON", "1000/second") or None,
        "user": os.environ.get("API_THROTTLE_USER", "1000/second") or None,
        "write": os.environ.get("API_THROTTLE_WRITE", "600/minute") or None,
        "token": "60/minute",
    },
    "EXCEPTION_HANDLER": "legacy.shop.api.exceptions.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# Where drf-spectacular is installed (the gateway's extra `docs`), which the shop itself doesn't use.
SPECTACULAR_SETTINGS = {
    "TITLE": "Agora",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "legacy.shop.api.documentation.document_errors",
    ],
}

SHOP_NAME = "Agora"
SHOP_CURRENCY = "EUR"
MAINTENANCE_FILE = Path(os.environ.get("MAINTENANCE_FILE", VAR_DIR / "maintenance"))

SUPPLIERS_URL = os.environ.get("SUPPLIERS_URL", "http://127.0.0.1:9100").rstrip("/")
SUPPLIERS = {name: f"{SUPPLIERS_URL}/suppliers/{name}" for name in ("acme", "globex", "initech")}
SUPPLIERS_TIMEOUT = float(os.environ.get("SUPPLIERS_TIMEOUT", "2"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "legacy": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO").upper()},
        "httpx": {"level": "WARNING"},
    },
}
