"""Makes the clock and random values the same for both sides.

One clock and one generator for the whole process: it does nothing else, and the sides run one after the other. What
can't be pinned (a time that PostgreSQL generates, a generator in C code) is recognised as noise.
"""

from __future__ import annotations

import os
import random  # noqa: TID251 - whose source is replaced
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import shake_256
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from gateway.compat.stdlib import replace_system_random

__all__ = ["Pins"]

# SQLite's functions that accept "now"; and SQL keywords, each with the function that gives its value.
OF_TIME = ("date", "datetime", "julianday", "strftime", "time", "unixepoch")
WORDS = {"current_date": "date", "current_time": "time", "current_timestamp": "datetime"}


class Pins:
    """Pins the clock of this process to `moment`, in seconds since 1970, and its random values, from `start` on.

    `clock` is False if time-machine (of the extra "workbench") isn't installed: then the clock runs.
    """

    def __init__(self, moment: float) -> None:
        self.moment = moment
        self.clock = False
        self._drawn: dict[int, int] = {}  # number of reads, by the number of bytes
        self._seed = ""

    def start(self) -> None:
        """Pin them, for the rest of this process."""
        self._stop_clock()
        os.urandom = self._urandom  # noqa: TID251 - as above
        replace_system_random(self._urandom)
        connection_created.connect(self._pin_database, dispatch_uid="gateway.replay", weak=False)

    def again(self, seed: str) -> None:
        """Start all generators anew: the same `seed` gives the same values."""
        random.seed(seed)
        self._seed, self._drawn = seed, {}

    def _stop_clock(self) -> None:
        with suppress(ImportError):  # optional
            import time_machine

            time_machine.travel(datetime.fromtimestamp(self.moment, UTC), tick=False).start()
            self.clock = True

    def _urandom(self, size: int, /) -> bytes:
        # One stream for each size: if one side reads one more identifier, the others still get equal keys.
        drawn = self._drawn[size] = self._drawn.get(size, 0) + 1
        return shake_256(f"{self._seed} {size} {drawn}".encode()).digest(size)

    # -- databases ------------------------------------------------------------------------------

    def _pin_database(self, connection: BaseDatabaseWrapper, **_: object) -> None:
        if connection.vendor == "sqlite":
            self._pin_sqlite(connection.connection)
        elif connection.vendor == "mysql":
            with connection.cursor() as cursor:
                cursor.execute(f"SET SESSION timestamp = {self.moment:.6f}")
        elif connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('gateway.now', %s, false)", [_iso(self.moment)])

    def _pin_sqlite(self, database: sqlite3.Connection) -> None:
        beside = sqlite3.connect(":memory:", check_same_thread=False)  # its functions are SQLite's own
        for name in OF_TIME:
            database.create_function(name, -1, partial(self._sqlite, beside, name), deterministic=True)
        for word, name in WORDS.items():
            database.create_function(word, 0, partial(self._sqlite, beside, name, "now"))

    def _sqlite(self, beside: sqlite3.Connection, name: str, *args: Any) -> Any:
        places = ", ".join("?" * len(args))
        given = [_iso(self.moment) if isinstance(arg, str) and arg.lower() == "now" else arg for arg in args]
        if (name == "strftime" and len(args) == 1) or not args:
            places, given = ", ".join([*(["?"] * len(args)), "?"]), [*args, _iso(self.moment)]
        return beside.execute(f"SELECT {name}({places})", given).fetchone()[0]


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
