"""Tries one group of packages: `python -m tests.compatibility.trial GROUP` prints what each row shows, as JSON.

A process of its own for each group, as most packages are set up once for a process. Django alone is its WSGI handler.
The gateway has two services, one of them with `one_thread`, and mirrors to both.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.compatibility.row import Reply, Row
from tests.support.asgi import Connection, ask, running, scope, until

SITE = "http://testserver"
SERVICES = {"moved": False, "kept": True}  # by prefix, with `one_thread`
BASIC = {"Accept-Encoding": "identity"}
KEY = "k" * 32
BUSY = frozenset({"busy", "lag"})  # why a mirror is dropped that may be made the next time
TRIES = 8  # of a mirror, which is dropped when the machine is busy
REST = 0.02  # seconds that what a request leaves behind gets to end


@contextmanager
def database(group: str) -> Iterator[str]:
    """The name of the database that this group's project has."""
    if group == "postgresql":
        from tests.support.postgres import postgres_database

        with postgres_database() as made:
            yield made.name
    elif group == "mariadb":
        from tests.support.mariadb import mariadb_database

        with mariadb_database() as name:
            yield name
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield str(Path(folder) / "db.sqlite3")


def set_up(group: str) -> None:
    """The project, with its tables and its caller's session."""
    import django

    from tests.compatibility.groups import GROUPS

    django.setup()
    GROUPS[group].prepare()
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.base import SessionBase
    from django.core.management import call_command
    from django.utils.module_loading import import_string

    call_command("migrate", verbosity=0, run_syncdb=True)
    from django.conf import settings

    from tests.compatibility.rows import CALLER, SESSION

    user = User.objects.create_user(CALLER, password="right")
    session: SessionBase = import_string(f"{settings.SESSION_ENGINE}.SessionStore")()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[-1]
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session["hijack_history"] = ["1"]
    session.save()
    SESSION["key"] = session.session_key or ""


def configuration(group: str) -> dict[str, Any]:
    """Of the gateway."""
    from tests.compatibility.groups import GROUPS

    legacy = {"settings": "tests.compatibility.site.settings", "threads": 8}
    if GROUPS[group].asgi:
        legacy["asgi"] = GROUPS[group].asgi
    app = "tests.compatibility.site.services"
    apart = {"mirror": {"control": 0}, "compare": {"ignore_rows": ["silk_*", "axes_*"]}}
    stages = {"": {"stage": "live", "mirror": {"live": 0}}, "-mirrored": {"stage": "shadow", **apart}}
    return {
        "legacy": legacy,
        "services": {name: {"app": f"{app}:{name}", "one_thread": one_thread} for name, one_thread in SERVICES.items()},
        "routes": [
            {"name": f"{name}{suffix}", "prefix": f"/{name}{suffix}", "service": name, "fallback": False, **more}
            for name in SERVICES
            for suffix, more in stages.items()
        ],
    }


def headers_of(row: Row, more: dict[str, str] | None = None) -> dict[str, str]:
    """What a request of the row is sent with."""
    from tests.compatibility.rows import SESSION

    cookies = [f"sessionid={SESSION['key']}"] if row.user else []
    cookies += [row.headers["Cookie"]] if "Cookie" in row.headers else []
    cookie = {"Cookie": "; ".join(cookies)} if cookies else {}
    return BASIC | dict(row.headers) | cookie | (more or {})


def path_of(row: Row, place: str, kind: str) -> str:
    """What a request of the row asks for."""
    return f"/{place}/{kind}/{row.name}" + ("/" if row.slash else "")


def lines_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.decode("latin-1").lower()
        found[key] = f"{found[key]}, {value.decode('latin-1')}" if key in found else value.decode("latin-1")
    return found


def shown(row: Row, *replies: Reply) -> Any:
    """What the row shows, as JSON has it."""
    return json.loads(json.dumps(row.shows(*replies)))


# -- Django alone -------------------------------------------------------------------------------


def alone(row: Row, client: httpx.Client, kind: str) -> Any:
    """What the row shows for a request to Django's own WSGI handler."""
    row.forget()
    path = row.path if row.path and kind == "legacy" else path_of(row, "legacy", kind)
    replies = [_reply(client.request(row.method, path, headers=headers_of(row)))]
    if row.again is not None:
        more = dict(row.again(replies[0]))
        replies.append(_reply(client.request(row.method, path, headers=headers_of(row, more))))
    return shown(row, *replies)


def _reply(answer: httpx.Response) -> Reply:
    return Reply(answer.status_code, answer.headers, answer.content)


def all_alone(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """By row and kind."""
    from django.core.wsgi import get_wsgi_application

    transport = httpx.WSGITransport(app=get_wsgi_application(), remote_addr="127.0.0.1")
    with httpx.Client(transport=transport, base_url=SITE) as client:
        return {
            row.name: {
                kind: alone(row, client, kind) for kind in ("legacy", "stream") if kind == "legacy" or row.stream
            }
            for row in rows
        }


# -- through the gateway ------------------------------------------------------------------------


class BusyError(Exception):
    """A mirror was dropped."""


class Trial:
    """Asks a gateway that runs."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway

    async def tried(self, row: Row, kind: str, service: str) -> Any:
        """What the row shows for this kind of request to this service; an error in words where it fails."""
        for _ in range(TRIES):
            await asyncio.to_thread(row.forget)
            try:
                if kind == "socket":
                    replies = [await self._socket(row, row.own_socket or path_of(row, service, "socket"))]
                else:
                    replies = await self._asked(row, kind, service)
                await asyncio.sleep(REST)
                return await asyncio.to_thread(shown, row, *replies)
            except BusyError:
                continue
            except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 - it is one of many
                return f"{type(exc).__name__}: {exc}"
        return "no mirror was made"

    async def _asked(self, row: Row, kind: str, service: str) -> list[Reply]:
        places = {"legacy": ("legacy", "def"), "mirror": (f"{service}-mirrored", "def")}
        path = path_of(row, *places.get(kind, (service, kind)))
        if kind == "legacy" and row.path:
            path = row.path
        replies = [await self._ask(row, path, kind)]
        if row.again is not None:
            replies.append(await self._ask(row, path, kind, dict(row.again(replies[0]))))
        return replies

    async def _ask(self, row: Row, path: str, kind: str, more: dict[str, str] | None = None) -> Reply:
        before = self._mirrors()
        answer = await ask(self._gateway, path, row.method, headers=headers_of(row, more))
        if kind == "mirror":
            if not await until(lambda: self._mirrors() != before):
                raise TimeoutError("no mirror was made")
            now = self._mirrors()
            if now["dropped"] > before["dropped"]:
                raise BusyError
            if now["refused"] > before["refused"]:
                raise ValueError("the mirror was refused what it asked for")
            if now["same"] == before["same"]:
                raise ValueError("the mirror's answer differs")
        return Reply(answer.status, lines_of(answer.lines), answer.body)

    def _mirrors(self) -> dict[str, int]:
        """How many were dropped, gave the same answer but for SQL, and another one."""
        taken = self._gateway.counters.take()
        seen = [taken.mirrors(f"{name}-mirrored") for name in SERVICES]
        return {
            "dropped": sum(count for one in seen for why, count in one.dropped.items() if why in BUSY),
            "refused": sum(count for one in seen for why, count in one.dropped.items() if why not in BUSY),
            "same": sum(one.equal + one.warned for one in seen),
            "other": sum(one.different + one.errors for one in seen),
        }

    async def _socket(self, row: Row, path: str) -> Reply:
        headers = {"Origin": SITE, **headers_of(row)}
        asked = scope(path, headers=headers, kind="websocket", extensions={"websocket.http.response": {}})
        connection = Connection(self._gateway, asked)
        connection.give("websocket.connect")
        await connection.until(1)
        if connection.messages[0]["type"] == "websocket.accept":
            await connection.until(3)
        connection.give("websocket.disconnect", code=1000)
        await connection.done()
        first, *others = connection.messages
        status = {"websocket.accept": 101, "websocket.close": 403}.get(first["type"]) or first["status"]
        return Reply(
            status,
            lines_of(first.get("headers", ())),
            "".join(message.get("text") or "" for message in others).encode(),
        )


async def all_tried(group: str, rows: list[Row]) -> dict[str, dict[str, Any]]:
    """By row, and by kind and service."""
    from gateway.app import Gateway
    from tests.compatibility.row import KINDS

    async with running(Gateway(configuration(group))) as gateway:
        trial = Trial(gateway)
        return {
            row.name: {
                f"{kind} {service}": await trial.tried(row, kind, service)
                for kind in KINDS
                if kind in row.kinds
                for service in SERVICES
            }
            for row in rows
        }


def main(group: str) -> None:
    """Try the group's rows."""
    from tests.compatibility.rows import ROWS

    os.environ["COMPATIBILITY_GROUP"] = group
    os.environ["COMPATIBILITY_RUN"] = str(os.getpid())
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.compatibility.site.settings"
    with database(group) as name:
        os.environ["COMPATIBILITY_DATABASE"] = name
        set_up(group)
        rows = [row for row in ROWS.values() if row.group == group]
        from gateway.bridge.thread_state import thread_state

        found = {
            "alone": all_alone(rows),
            "tried": asyncio.run(all_tried(group, rows)),
            "left": [*thread_state().left],
        }
        from django.db import connections

        connections.close_all()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
