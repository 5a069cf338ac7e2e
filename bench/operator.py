"""Who moves the route of `bench/config/controlled.toml`.

`python -m bench.operator create` makes the database anew; `promote` and `rollback` move the route, and print when they
began to, in seconds since 1970.
"""

import os
import sys
import time
from pathlib import Path

CONFIG = Path(__file__).parent / "config" / "controlled.toml"
ROUTE = "worker"


def create() -> None:
    """Make the database anew, with the tables of `gateway.control`."""
    import psycopg

    from bench.shop import POSTGRES

    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS gateway_bench_control WITH (FORCE)")
        connection.execute("CREATE DATABASE gateway_bench_control")
    _set_up()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def move(verb: str) -> float:
    """Move the route to live, or back to legacy; return when that began."""
    _set_up()
    from django.db import connection

    from gateway.config.files import load
    from gateway.control import transitions as moves

    (route,) = (route for route in load(CONFIG).routes if route.name == ROUTE)
    connection.ensure_connection()
    began = time.time()
    if verb == "promote":
        moves.promote(route, who="bench", to="live", anyway=True, why="measured")
    else:
        moves.rollback(route, who="bench")
    return began


def _set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.project.controlled"
    import django

    django.setup()


if __name__ == "__main__":
    if sys.argv[1] == "create":
        create()
    else:
        print(move(sys.argv[1]))
