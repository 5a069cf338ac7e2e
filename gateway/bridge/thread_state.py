"""Which middleware leaves something on its thread, or on a database connection, for the code that the view runs.

Crum and pghistory keep the request in a `threading.local`, silk and the debug toolbar what it did, django-tenants and
the toolbar something on the connection. A service's code runs on another thread than the middleware, unless
`one_thread = true`, and doesn't find it there. Source text doesn't tell: so each entry is tried, with a request that
nobody sent, as a mirror is: what callers share is kept from it, and the databases roll back.
"""

from __future__ import annotations

import gc
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from gateway.bridge.probe import Around, probe_scope, resolve_to_probe
from gateway.compat.django import loaded_as
from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.legacy.connections import django_threads
from gateway.legacy.environ import environ_of
from gateway.legacy.request import request_of
from gateway.shield import shield

__all__ = ["ThreadState", "thread_state"]

METHODS = ("GET", "POST")  # several do nothing where nothing is changed
TIMES = 2  # what a thread has once and for all, as a connection, is there the second time
SETS = re.compile(r"\s*(SET|SELECT\s+(pg_catalog\.)?set_config)\b", re.IGNORECASE)  # what lasts on a connection
# Of a connection: what is a transaction's, and what every query may change.
TRANSACTION = frozenset({"atomic_blocks", "autocommit", "in_atomic_block", "needs_rollback", "savepoint_ids"})
VOLATILE = frozenset(
    {"close_at", "errors_occurred", "health_check_done", "queries_log", "savepoint_state", "run_on_commit"}
)
CONTAINERS = (list, tuple, dict, set, frozenset)

Seen = Mapping[tuple[str | int, str], object]
GetResponse = Callable[[HttpRequest], HttpResponseBase]


@dataclass(slots=True)
class ThreadState:
    """`left` has what each entry of MIDDLEWARE leaves, in words; `untried` those that no request came to."""

    left: dict[str, str] = field(default_factory=dict)
    untried: list[str] = field(default_factory=list)


def thread_state(chosen: Sequence[str] | None = None) -> ThreadState:
    """Try the synchronous entries of MIDDLEWARE, or those that are `chosen`, on a thread that ends with that."""
    shield()
    pool = django_threads(1, "check")
    lease = pool.lease()
    try:
        return lease.submit(_tried, chosen).result()
    finally:
        lease.release()
        pool.close()


def _tried(chosen: Sequence[str] | None) -> ThreadState:
    chain = _ObservedChain(chosen)
    for method in METHODS:
        for _ in range(TIMES):
            chain.begin()
            with _leaving_nothing(chain.execute):
                chain.get_response(_request(method))
        chain.judge()
    return ThreadState(chain.left, [path for path in chain.paths if path not in chain.reached])


@contextmanager
def _leaving_nothing(execute: Callable[..., Any]) -> Iterator[None]:
    """A mirror's block, whose transactions are open from its beginning, and `execute` around queries."""
    mirror = MirrorScope()
    with ExitStack() as stack:
        stack.callback(mirror.end_here)
        stack.enter_context(mirror_scope(mirror))
        for alias in connections:
            try:
                connections[alias].cursor().close()
            except (DatabaseError, ImproperlyConfigured):  # away, or none is configured
                continue
            stack.enter_context(connections[alias].execute_wrapper(execute))
        yield


def _request(method: str) -> HttpRequest:
    return request_of(environ_of(probe_scope(method), BytesIO()))


class _ObservedChain(BaseHandler):
    """Django's chain, each of whose entries is looked at before it begins and as it calls what is inside of it."""

    def __init__(self, chosen: Sequence[str] | None) -> None:
        self.chosen = chosen
        self.paths: list[str] = []
        self._locals: dict[int, threading.local] = {}  # by their ids: not all can be hashed
        self._settings: Counter[str] = Counter()  # made on each connection, with SQL
        self._before: dict[str, Seen] = {}
        self._changed: dict[str, str] = {}
        self.left: dict[str, str] = {}
        self.reached: set[str] = set()
        with loaded_as(self._watched):
            self.load_middleware(is_async=False)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """As Django's, with a stand-in for every view."""
        return resolve_to_probe(request)

    def begin(self) -> None:
        """Another request comes. To look for what the first one makes, there is the next."""
        self._before.clear()
        self._changed.clear()
        # By their types: lazy objects lie to isinstance.
        self._locals = {id(one): one for one in gc.get_objects() if issubclass(type(one), threading.local)}

    def execute(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Around every query (`connection.execute_wrapper`)."""
        if SETS.match(sql):
            self._settings[context["connection"].alias] += 1
        return execute(sql, params, many, context)

    def judge(self) -> None:
        """Keep what the last request has found."""
        self.left = self._changed | self.left

    def _watched(self, path: str, middleware: Callable[..., Any]) -> Callable[..., Any]:
        def factory(get_response: GetResponse) -> Any:
            if self.chosen is not None and path not in self.chosen:
                raise MiddlewareNotUsed
            instance = middleware(lambda request: self._inside(path, get_response, request))
            self.paths.insert(0, path)
            return Around(instance, lambda request: self._outside(path, instance, request))

        if not getattr(middleware, "sync_capable", True):
            return middleware  # on the event loop, nothing is a thread's own
        factory.async_capable = False  # type: ignore[attr-defined] # as Django reads it
        return factory

    def _outside(self, path: str, middleware: GetResponse, request: HttpRequest) -> HttpResponseBase:
        self._before[path] = self._seen()
        return middleware(request)

    def _inside(self, path: str, get_response: GetResponse, request: HttpRequest) -> HttpResponseBase:
        self.reached.add(path)
        before, now = self._before[path], self._seen()
        owners = dict.fromkeys(
            owner if isinstance(owner, str) else _where(self._locals[owner])
            for owner, name in now
            if now[owner, name] != before.get((owner, name))
        )
        if owners:
            self._changed[path] = ", ".join(owners)
        return get_response(request)

    def _seen(self) -> Seen:
        """What is on this thread and its connections now: where it is, its name, and a sign of which value it has."""
        seen: dict[tuple[str | int, str], object] = {}
        for connection in connections.all(initialized_only=True):
            place = f"connections[{connection.alias!r}]"
            for name, value in vars(connection).items():
                if name in TRANSACTION:
                    seen[f"a transaction on {place}", name] = _sign(value)
                elif name not in VOLATILE:
                    seen[f"{place}.{name}", name] = _sign(value)
            seen[f"a setting of {place}", ""] = self._settings[connection.alias]
        for key, one in self._locals.items():
            for name, value in one.__dict__.items():
                seen[key, name] = _sign(value)
        return seen


def _sign(value: object) -> object:
    return (id(value), len(value)) if isinstance(value, CONTAINERS) else id(value)


def _where(one: threading.local) -> str:
    """Whose it is: the module, or the class, that has it; as far as that can be told."""
    for holder in gc.get_referrers(one):
        if isinstance(holder, dict):
            if isinstance(name := holder.get("__name__"), str):
                return f"a threading.local of {name}"
            owners = [owner for owner in gc.get_referrers(holder) if getattr(owner, "__dict__", None) is holder]
        else:
            owners = [holder]
        for owner in owners:
            module = type(owner).__module__
            if module not in ("builtins", __name__):
                return f"a threading.local of {module}.{type(owner).__qualname__}"
    return "a threading.local"
