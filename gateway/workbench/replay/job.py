"""One process of a replay: sets the project up on its copies of the databases, and plays the cases it is given."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.parity.rules import Accepted
    from gateway.workbench.replay.generation import Generated, Generation
    from gateway.workbench.replay.player import Player

__all__ = ["Setup", "check_copies", "run", "settings_of"]

SESSIONS = "gateway-replay"  # the cache for sessions, if the project keeps them in one
CACHED = {
    "django.contrib.sessions.backends.cache": "django.contrib.sessions.backends.cache",
    "django.contrib.sessions.backends.cached_db": "django.contrib.sessions.backends.db",
}


@dataclass(frozen=True, slots=True)
class Setup:
    """Parameters of a process. `databases` are the changed values of DATABASES, by alias; None to use the configured
    databases. `moment` is the time of the clock, in seconds since 1970. `accepted` are the differences of each route
    that were accepted at run time."""

    config: Path
    databases: Mapping[str, Mapping[str, Any]] | None
    moment: float
    side: str
    redacted: bool
    verbose: bool = False
    accepted: Mapping[str, Sequence[Accepted]] = field(default_factory=dict)


def run(setup: Setup, connection: Connection) -> None:
    """Send the releases of the services, a dict, by `connection`; then receive lists of tasks and send a CaseResult for
    each, or receive a Generation and send a Generated. Where the process can't do something, it sends the reason, a
    str."""
    with redirect_stdout(sys.stderr):  # what the project prints doesn't belong to the command's output
        if not setup.verbose:
            logging.disable(logging.CRITICAL)  # differences are reported; the project's log would only be noise
        loop = asyncio.new_event_loop()
        try:
            player, gateway, releases = _ready(setup, loop)
        except Exception as exc:  # noqa: BLE001 - the project's settings, apps and services run here
            connection.send(f"{type(exc).__name__}: {exc}")
            return
        connection.send(releases)
        try:
            _play(player, gateway, connection)
        finally:
            loop.run_until_complete(gateway.shutdown())


def _play(player: Player, gateway: Gateway, connection: Connection) -> None:
    while True:
        try:
            tasks = connection.recv()
        except (EOFError, KeyboardInterrupt):  # the parent process has ended
            return
        if tasks is None:
            return
        if not isinstance(tasks, list):
            connection.send(_generated(gateway, tasks))
            continue
        for task in tasks:
            connection.send(player.play(task))


def _generated(gateway: Gateway, how: Generation) -> Generated | str:
    from gateway.workbench.replay.generate import NoGenerator, generate

    try:
        return generate(gateway, how)
    except NoGenerator as exc:
        return str(exc)
    except Exception as exc:  # noqa: BLE001 - a document may be anything
        return f"the API documents can't be read: {type(exc).__name__}: {exc}"


def _ready(setup: Setup, loop: asyncio.AbstractEventLoop) -> tuple[Player, Gateway, dict[str, str]]:
    from gateway.config import files
    from gateway.workbench.replay.pins import Pins

    settings_of(files.read(setup.config), setup.databases)
    pins = Pins(setup.moment)
    pins.start()
    from gateway.app import Gateway
    from gateway.composition import redaction_key
    from gateway.mirroring.rules import Rules
    from gateway.upstreams.release import release_of
    from gateway.workbench.replay.asker import Asker
    from gateway.workbench.replay.player import Player

    gateway = Gateway.from_file(setup.config)
    if gateway.mirroring.barred:
        raise RuntimeError(f"nothing can be replayed: {'; '.join(gateway.mirroring.barred)}")
    check_copies(setup.databases or {})
    gateway.control = None  # it would store counts, and follow changes of stages
    gateway.mirrors.enabled = False
    asyncio.set_event_loop(loop)
    loop.run_until_complete(gateway.startup())
    rules = Rules(gateway.snapshot.routes, redaction_key(gateway.legacy, gateway.randomness), gateway.clock)
    rules.accept(setup.accepted)
    releases = {
        name: release_of(config.release, config.app, gateway.services[name].endpoints())
        for name, config in gateway.config.services.items()
    }
    sides = {name: f"{name}.{release}" for name, release in releases.items()}
    asker = Asker(gateway, loop, pins, in_place=setup.databases is None, sides=sides)
    player = Player(asker, rules, gateway.snapshot, side=setup.side, redacted=setup.redacted)
    return player, gateway, releases


def check_copies(databases: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise RuntimeError if a connection would use a database that is not the copy."""
    from django.db import connections

    for alias, other in databases.items():
        if (name := connections[alias].settings_dict["NAME"]) != other["NAME"]:
            raise RuntimeError(
                f"the project connects to {alias} {name!r}, whatever its settings say, and not to the copy"
            )


def settings_of(document: Mapping[str, Any], databases: Mapping[str, Mapping[str, Any]] | None) -> None:
    """Change the project's settings to use the copies, before its code reads them. `document` is the parsed
    gateway.toml."""
    legacy = document.get("legacy")
    if isinstance(legacy, Mapping) and isinstance(module := legacy.get("settings"), str):
        os.environ["DJANGO_SETTINGS_MODULE"] = module
    from django.conf import settings
    from django.db import connections

    for alias, other in (databases or {}).items():
        # Both, since some libraries for settings (Dynaconf) return another dictionary at each access.
        for database in (settings.DATABASES[alias], connections.settings[alias]):
            database.update(other)
            if not (database.get("OPTIONS") or {}).get("pool"):  # a pool keeps connections itself
                database.update({"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False})
    if engine := CACHED.get(settings.SESSION_ENGINE):
        settings.SESSION_ENGINE = engine
        settings.CACHES[SESSIONS] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": SESSIONS}
        settings.SESSION_CACHE_ALIAS = SESSIONS
