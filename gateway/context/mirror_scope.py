"""What a mirror must not share with callers, and gets a private substitute for."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from gateway.context.intentions import Intentions
from gateway.context.outbound import OutboundClients

__all__ = ["MirrorScope", "NotConnected", "NotShielded", "among_callers", "current", "is_mirror", "mirror_scope"]

T = TypeVar("T")
NONE: Mapping[str, str] = {}


class Transaction(Protocol):
    """A transaction of a mirror."""

    def end(self) -> list[str]:
        """Roll it back. Returns the names of what would have run after a commit."""


class NotShielded(Exception):
    """A mirror uses a resource of its callers for which there is no substitute."""


class NotConnected(NotShielded, PermissionError):
    """A mirror opens a connection that it must not have; to its code, a connection that failed and is closed."""


class MirrorScope:
    """One mirror, in all its threads and tasks.

    `refusal`: the resource that it must not use, in words; then its response proves nothing. Neither does it if it
    `gave_way`: the reason for which it is dropped, in a word. `cold`: it used a cache, which is empty for it, so that
    it has more to do than its caller had. `writes`: its method may write; `rolls_back`: the upstream itself rolls back
    what it writes through connections that aren't Django's. `read_only`: its transactions are; `lock_timeout` and
    `statement_timeout` apply to them, in seconds. `databases`: the aliases of its substitute databases; `hosts`: what
    else it may connect to, by name, address or path, "*" for anything. `names` are the host names that it has resolved.
    `transactions` are its open ones, by thread and alias; `effects` what it would have done after a commit; `ended` is
    called once no transaction is open. `intentions`, if set, notes what it would have done elsewhere; `outbound`
    answers its requests to other servers.
    """

    __slots__ = ("_stores", "cold", "databases", "effects", "ended", "gave_way", "hosts", "intentions", "lock_timeout",
                 "names", "outbound", "read_only", "refusal", "rolls_back", "statement_timeout", "transactions",
                 "writes")  # fmt: skip

    def __init__(
        self,
        *,
        writes: bool = False,
        rolls_back: bool = False,
        read_only: bool = False,
        lock_timeout: float = 0.1,
        statement_timeout: float = 1.0,
        databases: Mapping[str, str] = NONE,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        self.refusal: str | None = None
        self.gave_way: str | None = None
        self.cold = False
        self.writes = writes
        self.rolls_back = rolls_back
        self.read_only = read_only
        self.lock_timeout = lock_timeout
        self.statement_timeout = statement_timeout
        self.databases = databases
        self.hosts = hosts
        self.names: dict[str, list[str]] = {}
        self.transactions: dict[tuple[int, str], Transaction] = {}
        self.effects: list[str] = []
        self.ended: Callable[[], object] | None = None
        self.intentions: Intentions | None = None
        self.outbound: OutboundClients | None = None
        self._stores: dict[object, object] = {}

    @property
    def alone(self) -> bool:
        """Whether nothing else uses any database meanwhile, so that nobody waits for its locks."""
        return False

    @property
    def may_not_stay(self) -> bool:
        """Whether it may write, and its writes outside of Django would be permanent."""
        return self.writes and not self.rolls_back

    def owns(self, alias: str) -> bool:
        """Whether no caller uses the database with this alias."""
        return alias in self.databases.values()

    def conclude(self, connection: Any, pending: int) -> None:
        """Note what would have run after a commit on `connection`, which is about to be rolled back: the entries of
        `run_on_commit` from index `pending` on."""

    def store(self, key: object, make: Callable[[], T]) -> T:
        """The substitute for the store that `key` identifies, created with `make` when it is first used."""
        # Atomic, as a mirror may run on several threads: of two that are made at once, one is kept.
        return self._stores.setdefault(key, make())  # type: ignore[return-value] # a key always has the same kind

    @property
    def stores(self) -> Mapping[object, object]:
        """What was made to stand in for stores, by key."""
        return self._stores

    def end_here(self) -> None:
        """Roll back what the mirror has done in databases on this thread. No effect if it did nothing."""
        here = threading.get_ident()
        for key in [key for key in self.transactions if key[0] == here]:
            self.effects += self.transactions[key].end()
            del self.transactions[key]  # last: `ended` waits for this, and then reads the effects
        if self.ended is not None and not self.transactions:
            self.ended()

    def give_way(self, reason: str) -> None:
        """Note why the mirror was given up. Only the first reason is kept."""
        self.gave_way = self.gave_way or reason

    def refuse(self, what: str, why: str = "which callers share", kind: type[NotShielded] = NotShielded) -> NotShielded:
        """Note that the mirror used `what`. Returns the exception to raise; catching it changes nothing."""
        said = f"{what}, {why}"
        self.refusal = self.refusal or said
        return kind(f"a mirror can't have {said}")


# The mirror to which this context, and the threads and tasks that it starts, belong; None for callers' requests.
current: contextvars.ContextVar[MirrorScope | None] = contextvars.ContextVar("gateway.mirror", default=None)


def is_mirror() -> bool:
    """Whether this runs for a mirror, in any thread or task of it: nobody gets its response, and nothing that it does
    may be permanent."""
    return current.get() is not None


@contextmanager
def mirror_scope(scope: MirrorScope) -> Iterator[MirrorScope]:
    """A block that runs for a mirror."""
    token = current.set(scope)
    try:
        yield scope
    finally:
        current.reset(token)


@contextmanager
def among_callers() -> Iterator[None]:
    """A block in which a mirror is treated like a caller's request."""
    token = current.set(None)
    try:
        yield
    finally:
        current.reset(token)
