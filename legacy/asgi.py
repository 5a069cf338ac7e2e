"""The ASGI application, for uvicorn and its kind."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "legacy.settings")

application = get_asgi_application()
