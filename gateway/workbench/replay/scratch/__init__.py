"""A database to try things in: a copy of the project's, made once for a replay, and gone after it.

run.py         the copies of one replay, for each of its processes; what others have left behind
sqlite.py      files, by SQLite's own `backup`
postgresql.py  by a template, or by pg_dump where somebody is connected
mysql.py       by mariadb-dump or mysqldump
names.py       by which what was left behind is known
"""

from __future__ import annotations

from gateway.workbench.replay.scratch.names import CantCopy
from gateway.workbench.replay.scratch.run import Scratch, clean

__all__ = ["CantCopy", "Scratch", "clean"]
