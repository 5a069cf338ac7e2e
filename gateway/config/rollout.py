"""Settings that all routes share: `[rollout]` and `[mirror]`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from gateway.config.section import HeaderName, Seconds, Section

__all__ = ["MirrorSettings", "RolloutSettings"]


class RolloutSettings(Section):
    """`[rollout]`: settings that all routes share."""

    cookie: str | Literal[False] = Field(
        False,
        pattern=r"^[A-Za-z][\w-]*$",
        description='the name of a cookie that keeps visitors on their side, such as "gateway", or false for none',
    )
    cookie_age: int = Field(180 * 24 * 3600, ge=1, description="how many seconds a browser keeps the cookie")
    header: HeaderName = Field(
        "X-Gateway-Upstream", description="the request header with a side that `gateway sign` has signed"
    )
    poll: Seconds = Field(0.25, description="seconds between two looks at the database for changes")
    flush: Seconds = Field(1.0, description="seconds between two writes of counts")


class MirrorSettings(Section):
    """`[mirror]`: limits for mirrors in one process."""

    queue: int = Field(100, ge=1, description="mirrors that may wait, 1 or more")
    concurrency: int = Field(2, ge=1, description="mirrors that run at once, 1 or more")
    delay: Seconds = Field(0.05, description="seconds that mirrors are collected before they are sent")
    memory: int = Field(32 * 2**20, ge=0, description="bytes of requests and answers that may wait")
    lag: Seconds = Field(0.05, description="seconds the event loop may be late before mirrors are dropped")
    lock_timeout: Seconds = Field(0.1, description="seconds that a mirror waits for a lock in a database")
    statement_timeout: Seconds = Field(1.0, description="seconds that a statement of a mirror may take in a database")
    process: bool | None = Field(
        None, description="true or false: whether `gateway serve` starts a process that makes all mirrors"
    )
    socket: str | None = Field(None, min_length=1, description="the path of a Unix socket")
    readable_caches: tuple[str, ...] = Field(
        (), description="aliases of CACHES that mirrors may read, since they hold state rather than answers"
    )
    database: dict[str, str] = Field(
        default_factory=dict,
        description='the alias of a scratch database for mirrors of writes, or a table: { default = "scratch" }',
    )

    @field_validator("database", mode="before")
    @classmethod
    def _of_default(cls, value: object) -> object:
        table = {"default": value} if isinstance(value, str) else value
        if not isinstance(table, dict) or not all(isinstance(alias, str) for alias in table.values()):
            raise ValueError('an alias of DATABASES, or a table such as { default = "scratch" }')
        return table
