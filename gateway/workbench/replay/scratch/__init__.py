"""Copies of the project's databases, made for a replay and deleted after it.

run.py         the copies of one replay, for each of its processes; removes what killed replays left behind
sqlite.py      files, by SQLite's `backup`
postgresql.py  by a template, or by pg_dump if the database has other connections
mysql.py       by mariadb-dump or mysqldump
names.py       names, by which copies are recognised
"""

from __future__ import annotations

from gateway.workbench.replay.scratch.names import CantCopy
from gateway.workbench.replay.scratch.run import Scratch, clean

__all__ = ["CantCopy", "Scratch", "clean"]
