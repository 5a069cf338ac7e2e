"""An operator in a process of his own: verbs on stdin, what came of them on stdout, a JSON document a line each."""

from __future__ import annotations

import json
import sys
import time

import django


def main() -> None:
    django.setup()
    from gateway import config
    from gateway.control import moves
    from gateway.rollout.stage import IllegalMove

    routes = {route.name: route for route in config.load().routes}
    for line in sys.stdin:
        verb, name, given = json.loads(line)
        try:
            moved = getattr(moves, verb)(routes[name], **given)
            answer = {"revision": moved.revision, "done": time.time()}
        except (moves.Conflict, IllegalMove) as exc:
            answer = {"refused": f"{type(exc).__name__}: {exc}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
