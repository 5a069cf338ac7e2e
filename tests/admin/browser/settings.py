"""The demo's settings, with a database of its own. SHOP_SETTINGS, a JSON object, overrides any setting."""

import json
import os
from pathlib import Path

from legacy.settings import *  # noqa: F403 - all of them

_folder = Path(os.environ["SHOP_FOLDER"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _folder / "shop.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE", "timeout": 20},
        "CONN_MAX_AGE": 60,
    }
}
MEDIA_ROOT = _folder / "media"
ROOT_URLCONF = "tests.admin.browser.urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

globals().update(json.loads(os.environ.get("SHOP_SETTINGS", "{}")))
