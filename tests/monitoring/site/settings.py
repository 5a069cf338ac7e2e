"""AGENT names the agent; AGENT_IN is "settings" or "ready"."""

import os

from tests.monitoring.site import agents

SECRET_KEY = "for tests only"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.monitoring.site.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "tests.monitoring.site.apps.SiteConfig",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tests.monitoring.site.views.name_user",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True

if os.environ["AGENT"] == "elastic":  # an app of Django's, which sets itself up in ready()
    INSTALLED_APPS = ["elasticapm.contrib.django", *INSTALLED_APPS]
    ELASTIC_APM = agents.ELASTIC
elif os.environ["AGENT_IN"] == "settings":
    agents.set_up(os.environ["AGENT"])
