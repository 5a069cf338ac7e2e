"""The demo's settings, with a database of the test's own and without throttles."""

import os
from pathlib import Path

from legacy.settings import *  # noqa: F403
from legacy.settings import DATABASES, REST_FRAMEWORK

DATABASES["default"] |= {"NAME": os.environ["PROJECT_DATABASE"]}
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = dict.fromkeys(REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
MEDIA_ROOT = Path(os.environ["PROJECT_DATABASE"]).parent / "media"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
