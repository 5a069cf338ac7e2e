"""The settings of one group of packages, which COMPATIBILITY_GROUP names."""

from __future__ import annotations

import os
from typing import Any

from tests.compatibility.groups import GROUPS

_group = GROUPS[os.environ["COMPATIBILITY_GROUP"]]

SECRET_KEY = "compatibility"
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.compatibility.site.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    *_group.apps,
    "tests.compatibility.site",
]
MIDDLEWARE = [*_group.middleware]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES: dict[str, dict[str, Any]] = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["COMPATIBILITY_DATABASE"]}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the others take their time, on purpose
STATIC_URL = "/static/"


class _Never(dict[str, None]):
    """Tables are made from the models: migrations of so many packages take seconds. Those of pghistory do more."""

    def __contains__(self, label: object) -> bool:
        return label != "pghistory"

    def __missing__(self, label: str) -> None:
        return None


MIGRATION_MODULES = _Never()
globals().update(_group.settings)
