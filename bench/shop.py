"""The demo shop on PostgreSQL, for the rows that compare a moved endpoint with the view it replaces.

`python -m bench.shop create` makes the database anew and prints what a client needs; `count` prints how many orders
there are and how many connections the servers hold. Both print JSON. The server is `BENCH_POSTGRES`, by default
postgresql://postgres@localhost:5432.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

NAME = "gateway_bench"
POSTGRES = os.environ.get("BENCH_POSTGRES", "postgresql://postgres@localhost:5432")
PRODUCTS = 200  # that orders spread over, so that rows are not what they wait for

ENVIRONMENT: Mapping[str, str] = {
    "DJANGO_SETTINGS_MODULE": "legacy.settings",
    "DATABASE_URL": f"{POSTGRES}/{NAME}",
    "DJANGO_DEBUG": "off",
    "SECRET_KEY": "for the benchmark only",
    "API_THROTTLE_ANON": "",
    "API_THROTTLE_USER": "",
    "API_THROTTLE_WRITE": "",
    "LOG_LEVEL": "ERROR",
    "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
}


def create() -> dict[str, Any]:
    """Make the database anew, with the demo's data and endless stock; return a token and ids of products."""
    import psycopg

    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME}")
    _set_up()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from rest_framework.authtoken.models import Token

    from legacy.shop.models import Product

    call_command("migrate", verbosity=0)
    call_command("load_demo", verbosity=0, stdout=sys.stderr)
    Product.objects.update(stock=1_000_000)
    user = get_user_model().objects.get(username="ada")
    ids = list(Product.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True)[:PRODUCTS])
    return {"token": Token.objects.get_or_create(user=user)[0].key, "products": ids}


def count() -> dict[str, int]:
    """How many orders there are, how many numbers were drawn for some, and how many connections others have open."""
    _set_up()
    from django.db import connection

    from legacy.shop.models import Order

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        (held,) = cursor.fetchone()
        cursor.execute("SELECT last_value FROM pg_sequences WHERE sequencename = 'shop_order_id_seq'")
        (drawn,) = cursor.fetchone()
    return {"orders": Order.objects.count(), "drawn": drawn or 0, "connections": held}


def _set_up() -> None:
    os.environ.update(ENVIRONMENT)
    import django

    django.setup()


if __name__ == "__main__":
    json.dump({"create": create, "count": count}[sys.argv[1]](), sys.stdout)
