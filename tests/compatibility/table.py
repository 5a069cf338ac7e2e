"""docs/compatibility.md, made of what the trials show: `python -m tests.compatibility.table` writes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.compatibility.row import KINDS, NOTHING, Row
from tests.compatibility.rows import ROWS

__all__ = ["PAGE", "Shown", "cell", "page", "try_all"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compatibility.md"
PATIENCE = 100  # seconds; a group takes five to ten
WORKS, ONE_THREAD, NOT_APPLICABLE = "✓", "✓ `one_thread`", "–"
TITLES = {
    "legacy": "legacy",
    "def": "`def`",
    "async": "`async def`",
    "stream": "stream",
    "socket": "socket",
    "mirror": "mirror",
}

# "alone": by kind, what Django alone shows; "tried": by kind and service, the gateway; "left": by which of its group's
# middleware `gateway check` finds something on the thread.
Shown = Mapping[str, Any]

HEAD = """\
# Compatibility

What people's projects run beside Django, tried through the gateway: each package as it comes from PyPI, set up as
its documentation says, and Django's own middleware. A test makes this page, and fails where it isn't what the test
sees (`python -m tests.compatibility.table` writes it again).

- **legacy**: a view that Django answers, through the gateway. **`def`**, **`async def`**, **stream**: the endpoint
  that has taken the view's place, which streams its answer in the last case. **socket**: a WebSocket endpoint, whose
  handshake goes through the middleware. **mirror**: a view in shadow, whose mirror goes to the endpoint. The caller,
  and what the package keeps, must know nothing of it.
- ✓: it shows what it shows for Django alone, under Django's own WSGI handler. A stream's work comes after the
  middleware, where some packages know no request any more: there it shows at least what it does for Django alone.
- ✓ `one_thread`: so it does with `one_thread = true` in `[services.NAME]`. Without it, the endpoint's code runs on
  another thread than the middleware, which keeps its notes in a `threading.local` or on the database connection.
  `gateway check` names such middleware.
- What a package notes of each request in tables of its own (silk's times, axes' count of failed logins) is another for
  every request. Legacy's own answers show that it is noise once some were controlled; the trial, which makes one mirror
  each, has `ignore_rows = ["silk_*", "axes_*"]` in `[routes.compare]`.
- –: there is nothing to show. Any other words say what is different.
- *until it is accepted*: the handshake is the request that the package sees, and is over when the socket is open.
"""


def try_group(group: str) -> dict[str, Shown]:
    """What the rows of a group show, by name. Raises RuntimeError with what the trial printed where it fails."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "GATEWAY_"))}
    command = [sys.executable, "-m", "tests.compatibility.trial", group]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise RuntimeError(f"group {group!r} failed:\n{done.stderr[-3000:]}")
    found = json.loads(done.stdout)
    return {
        name: {"alone": found["alone"][name], "tried": found["tried"][name], "left": found["left"]}
        for name in found["alone"]
    }


def try_all() -> dict[str, Shown]:
    """What every row shows, by name."""
    groups = dict.fromkeys(row.group for row in ROWS.values())
    with ThreadPoolExecutor(2) as processes:
        return {name: shown for found in processes.map(try_group, groups) for name, shown in found.items()}


def cell(row: Row, kind: str, shown: Shown) -> str:
    """What the table says. Raises AssertionError where something is different and the row doesn't say why."""
    if kind not in row.kinds:
        return NOT_APPLICABLE
    asked = [shown["tried"][f"{kind} {service}"] for service in ("moved", "kept")]
    right = [one in _right(row, kind, shown) for one in asked]
    limit = row.limits.get(kind)
    if any(right):
        assert limit is None, f"{row.name}, {kind}: it works, so {limit!r} isn't true any more"
        return WORKS if right[0] else ONE_THREAD
    assert limit is not None, f"{row.name}, {kind}: {asked} instead of {_right(row, kind, shown)}"
    return limit


def _right(row: Row, kind: str, shown: Shown) -> list[Any]:
    """What may be shown: as Django alone, and for a stream at least that."""
    if kind == "socket":
        return [row.in_socket]
    if kind == "mirror" and row.in_mirror is not NOTHING:
        return [row.in_mirror]
    return [row.expected, shown["alone"]["stream"]] if kind == "stream" else [row.expected]


def page(shown: Mapping[str, Shown]) -> str:
    """All of docs/compatibility.md."""
    lines = [["", "shown by", *TITLES.values()], ["---", "---", *([":-:"] * len(KINDS))]]
    lines += [[row.title, row.what, *(cell(row, kind, shown[row.name]) for kind in KINDS)] for row in ROWS.values()]
    return HEAD + "\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(page(try_all()))
