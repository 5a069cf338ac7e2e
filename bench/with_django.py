"""The FastAPI side as one would run it beside Django's ORM without a gateway: `django.setup()`, and no more."""

import django

django.setup()

from bench.service import app  # noqa: E402 - after the setup

__all__ = ["app"]
