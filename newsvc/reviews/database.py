"""The service's own connections, to the database that Django's settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypedDict

from django.db import connections
from fastapi import Depends, FastAPI, Request
from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

__all__ = ["Database", "engine_for", "lifespan"]

Sessions = async_sessionmaker[AsyncSession]


class State(TypedDict):
    """What lives as long as the service."""

    sessions: Sessions


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[State]:
    """Keep one engine, and so its connections, for as long as the service runs."""
    engine = engine_for(connections.settings["default"])
    try:
        yield {"sessions": async_sessionmaker(engine)}
    finally:
        await engine.dispose()


def engine_for(database: Mapping[str, Any]) -> AsyncEngine:
    """An engine for an entry of DATABASES: SQLite or PostgreSQL."""
    if database["ENGINE"] == "django.db.backends.sqlite3":
        url = URL.create("sqlite+aiosqlite", database=str(database["NAME"]))
        engine = create_async_engine(url, connect_args={"timeout": 20})
        event.listen(engine.sync_engine, "connect", _enforce_foreign_keys)
        return engine
    url = URL.create(
        "postgresql+psycopg",
        username=database["USER"] or None,
        password=database["PASSWORD"] or None,
        host=database["HOST"] or None,
        port=int(database["PORT"]) if database["PORT"] else None,
        database=database["NAME"],
    )
    return create_async_engine(url, pool_pre_ping=bool(database.get("CONN_HEALTH_CHECKS")))


def _enforce_foreign_keys(connection: Any, _: object) -> None:
    """As Django does; SQLite leaves it to each connection."""
    connection.execute("PRAGMA foreign_keys = ON").close()


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    sessions: Sessions = request.state.sessions
    async with sessions() as session:
        yield session


Database = Annotated[AsyncSession, Depends(_session)]
