"""Somebody who moves routes, in a process of their own.

It reads calls of gateway.control.transitions as lines of JSON, `[verb, route, keywords]`, and says where the route is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.support.server import environment


class Operator:
    """Moves the routes of a gateway.toml. `settings` are the server's, PROJECT_SETTINGS."""

    def __init__(self, config: Path, settings: dict[str, Any]) -> None:
        env = environment(
            GATEWAY_CONFIG=str(config),
            PROJECT_SETTINGS=json.dumps(settings),
            DJANGO_SETTINGS_MODULE="tests.project.settings",
        )
        command = [sys.executable, "-m", "tests.support.operator"]
        self._process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __call__(self, verb: str, route: str = "", **more: Any) -> Any:
        """Move a route, and return where it stands then; "migrate"; or "audit", the changes of a route."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([verb, route, more]), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def _unproved(verb: str, more: dict[str, Any]) -> dict[str, Any]:
    """What a promotion is given that rests on no evidence."""
    return {"anyway": True, "why": "tested"} | more if verb == "promote" else more


def _serve() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from gateway.config.files import load
    from gateway.control import transitions as moves
    from gateway.control.models import Change

    routes = {route.name: route for route in load(Path(os.environ["GATEWAY_CONFIG"])).routes}
    for line in sys.stdin:
        verb, route, more = json.loads(line)
        if verb == "migrate":
            call_command("migrate", verbosity=0)
            answer: Any = "migrated"
        elif verb == "audit":
            answer = [[row.who, row.verb, row.to_stage, row.why] for row in Change.objects.filter(route=route)]
        else:
            answer = str(getattr(moves, verb)(routes[route], who="operator", **_unproved(verb, more)).after)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
