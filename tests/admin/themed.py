"""Renders the pages of the section under a theme of the admin, in a process of its own.

`python -m tests.admin.themed APP` prints, as JSON, each page's status and whether the section and its style sheet are
in it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import django
from django.conf import settings
from django.urls import path

PAGES = ("", "endpoints/", "explain/", "catalog/change/")
TOML = """
[legacy]
settings = "tests.admin.themed"
[services.items]
app = "tests.project.services:items"
[[routes]]
name = "catalog"
prefix = "/catalog"
service = "items"
stage = "shadow"
"""


def configure(theme: str) -> None:
    """Set Django up with the theme before its admin, as the themes' manuals say."""
    contrib = [f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "sessions", "messages")]
    settings.configure(
        SECRET_KEY="themed",
        ALLOWED_HOSTS=["testserver"],
        INSTALLED_APPS=[theme, *contrib, "django.contrib.staticfiles", "gateway.control"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
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
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        ROOT_URLCONF=__name__,
        STATIC_URL="/static/",
        USE_TZ=True,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    django.setup()


def rendered() -> dict[str, list[object]]:
    """For each page, its status, and whether the section and its style sheet are in it."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(User.objects.create_superuser("staff", password="staff"))
    found: dict[str, list[object]] = {}
    for page in PAGES:
        response = client.get(f"/admin/gateway_control/route/{page}")
        text = response.content.decode()
        found[page] = [response.status_code, 'id="gateway-admin"' in text, "gateway_admin/section.css" in text]
    index = client.get("/admin/")
    found["index"] = [index.status_code, "/admin/gateway_control/route/" in index.content.decode(), True]
    return found


def main() -> None:
    """Print what was rendered."""
    configure(sys.argv[1])
    from django.contrib import admin

    globals()["urlpatterns"] = [path("admin/", admin.site.urls)]
    sys.modules["tests.admin.themed"] = sys.modules[__name__]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "gateway.toml"
        file.write_text(TOML)
        os.environ["GATEWAY_CONFIG"] = str(file)
        json.dump(rendered(), sys.stdout)


if __name__ == "__main__":
    main()
