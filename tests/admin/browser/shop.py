"""The demo as a browser finds it: `gateway serve` with a database of its own, and callers who ask it meanwhile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from legacy import settings
from tests.support.console import Serving
from tests.support.server import environment

RELEASE = "2026.11.3"
DIFFERENCE = "a" * 32  # the key of the one that is known from the start
# Settings: the strictest policy, by django-csp; and a theme, which has scripts in its pages.
SELF = ["'self'"]
STRICT = {
    "MIDDLEWARE": ["csp.middleware.CSPMiddleware", *settings.MIDDLEWARE],
    "CONTENT_SECURITY_POLICY": {
        "DIRECTIVES": {
            "default-src": ["'none'"],
            "base-uri": ["'none'"],
            "form-action": SELF,
            "require-trusted-types-for": ["'script'"],
        }
        | {f"{kind}-src": SELF for kind in ("script", "style", "img", "connect")}
    },
}
UNFOLD = {"INSTALLED_APPS": ["unfold", *settings.INSTALLED_APPS]}
HEAD = """
[legacy]
settings = "tests.admin.browser.settings"
threads = 8

[rollout]
flush = 0.25

[mirror]
queue = 1000
lag = 10  # on a machine that is busy with other things, too
"""
SERVICES = {
    "catalog": "tests.admin.browser.services:app",
    "reviews": "newsvc.reviews:app",
    "cart": "newsvc.cart:app",
    "orders": "newsvc.orders:app",
    "quotes": "newsvc.quotes:app",
}
PLANTED = 'stage = "legacy"\nkey = "none"\nguard = { minimum = 20, p95_delta = false }\nmirror = { canary = 100 }\n'
LONG_NAME = "delivery_times_of_all_suppliers_and_their_warehouses_in_every_country_of_the_union_by_postal_code"
HOUR = "guard = { window = 3600 }\n"
ROUTES = {
    "products": f'path = "/api/products/"\nmethods = ["GET"]\nservice = "catalog"\n{PLANTED}',
    "product": f'path = "/api/products/{{id}}/"\nmethods = ["GET"]\nservice = "catalog"\n{PLANTED}',
    "orders": f'path = "/api/orders/"\nmethods = ["POST"]\nservice = "orders"\nstage = "legacy"\n{HOUR}',
    "reviews": f'prefix = "/api/reviews"\nservice = "reviews"\nstage = "legacy"\n{HOUR}',
    "cart": f'prefix = "/api/cart"\nmethods = ["GET", "POST"]\nservice = "cart"\nstage = "live"\n{HOUR}',
    LONG_NAME: 'prefix = "/api/long"\nservice = "catalog"\nclaim = "all"\nstage = "legacy"\n',
    "quotes": f'prefix = "/api/quotes"\nmethods = ["GET"]\nservice = "quotes"\nstage = "legacy"\n{HOUR}',
}


def toml() -> str:
    """The gateway.toml."""
    services = "".join(
        f'[services.{name}]\napp = "{app}"\nrelease = "{RELEASE}"\n'
        + ('middleware = "none"\n' if name == "quotes" else 'answers = "drf"\n')
        for name, app in SERVICES.items()
    )
    routes = "".join(f'[[routes]]\nname = "{name}"\n{lines}' for name, lines in ROUTES.items())
    return HEAD + services + routes


def variables(folder: Path, changed: dict[str, Any]) -> dict[str, str]:
    """The environment of a process whose database is in `folder`, with these settings changed."""
    return {
        "GATEWAY_CONFIG": str(folder / "gateway.toml"),
        "DJANGO_SETTINGS_MODULE": "tests.admin.browser.settings",
        "SHOP_FOLDER": str(folder),
        "SHOP_SETTINGS": json.dumps(changed),
    }


def seed(folder: Path) -> None:
    """Write a gateway.toml, and a database with a history, there."""
    (folder / "gateway.toml").write_text(toml())
    command = [sys.executable, "-m", "tests.admin.browser.seed"]
    subprocess.run(command, env=environment(**variables(folder, {})), check=True)


class Shop:
    """The server, with a copy of what was seeded, and with these settings changed."""

    def __init__(self, seeded: Path, folder: Path, changed: dict[str, Any]) -> None:
        shutil.copytree(seeded, folder)
        self.server = Serving(folder, "--no-access-log", **variables(folder, changed))
        self.url = self.server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def ask(self, path: str) -> None:
        """A caller's request."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            answer.read()

    @contextmanager
    def asked(self, *paths: str) -> Iterator[None]:
        """Callers ask for these paths, some four times a second, until the block ends."""
        ended = threading.Event()

        def ask() -> None:
            while not ended.wait(0.25):
                for path in paths:
                    self.ask(path)

        caller = threading.Thread(target=ask)
        caller.start()
        try:
            yield
        finally:
            ended.set()
            caller.join()
