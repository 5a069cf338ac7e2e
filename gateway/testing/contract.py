"""Contract tests: a request sent to both sides of a route, legacy and service, from the same state.

def test_a_product_is_the_same(gateway_contract):
    product = baker.make(Product)
    contract = gateway_contract("catalog-products")

    both = contract.ask("GET", f"/api/products/{product.pk}/")

    assert both.differences == []
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from django.apps import apps
from django.conf import settings
from django.core.files.base import File
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS
from django.test import Client, override_settings
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from gateway.app import Gateway
from gateway.clock import utc_now
from gateway.parity.answer import Answer
from gateway.parity.compare import compare
from gateway.parity.difference import Comparison
from gateway.testing.one_side import answer_of, held_aliases, undone
from gateway.testing.routes import override_route

__all__ = ["Both", "Contract"]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
STAGES = ("legacy", "live")
Tables = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Both:
    """Both sides' responses, and the contents of the tables afterwards: `legacy_rows` and `service_rows`, by table."""

    legacy: Answer
    service: Answer
    comparison: Comparison
    legacy_rows: Tables
    service_rows: Tables

    @property
    def differences(self) -> list[str]:
        """Every difference between responses and rows, in words; empty if both sides did the same."""
        found = [_worded(one) for one in self.comparison.differences]
        return [*found, *self.comparison.errors, *self._rows()]

    def _rows(self) -> Iterator[str]:
        for table in sorted(self.legacy_rows.keys() | self.service_rows.keys()):
            was, now = self.legacy_rows.get(table, []), self.service_rows.get(table, [])
            if was != now:
                only = [row for row in was if row not in now], [row for row in now if row not in was]
                yield f"rows of {table}: only legacy has {only[0]}, only the service has {only[1]}"


def _worded(difference: Any) -> str:
    where = f" at {difference.pointer}" if difference.pointer else ""
    detail = f", {difference.detail}" if difference.detail else ""
    return f"{difference.kind}{where}{detail}: {difference.expected!r} → {difference.actual!r}"


class Contract:
    """Both sides of route `name`. `login`: how users are authenticated: "session" as after logging in, or "force" for
    any of REST framework's classes (`force_authenticate`). `tables`: whether all rows of the project are compared too.

    Raises LookupError for an unknown route.
    """

    def __init__(
        self, name: str, gateway: Gateway, *, login: Literal["session", "force"] = "session", tables: bool = True
    ) -> None:
        self.name = name
        self._gateway = gateway
        self._login = login
        self._tables = tables
        if name not in gateway.snapshot.routes:
            there = ", ".join(gateway.snapshot.routes) or "none"
            raise LookupError(f"there is no route {name!r} in gateway.toml; there are: {there}")
        self._rules = gateway.snapshot.routes[name].compare.compiled(utc_now().date())

    def ask(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        user: Any = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Both:
        """Send one request to both sides. `data`: bytes and text are sent unchanged, anything else as JSON, or as a
        form if `content_type` says so or there are files in it. Each side starts with the present state of the
        database, and its changes are undone.

        If `time-machine` is installed, the clock stands still meanwhile.
        """
        body, kind = _encoded(data, content_type)
        with _still():
            sides = [self._one(stage, method, path, body, kind, user, headers or {}) for stage in STAGES]
        (legacy, legacy_rows), (service, service_rows) = sides
        comparison = compare(legacy, service, self._rules, body)
        return Both(legacy, service, comparison, legacy_rows, service_rows)

    def _one(
        self, stage: str, method: str, path: str, body: bytes, kind: str, user: Any, headers: Mapping[str, str]
    ) -> tuple[Answer, Tables]:
        with override_route(self.name, stage, gateway=self._gateway), undone(_aliases()), _own_files(kind):
            answer = answer_of(self._client(user), method, path, body, kind, headers)
            return answer, _rows() if self._tables else {}

    def _client(self, user: Any) -> Client:
        if self._login == "force":
            from gateway.testing.api import GatewayAPIClient

            api = GatewayAPIClient(raise_request_exception=False)
            if user is not None:
                api.force_authenticate(user)
            return api
        from gateway.testing.client import GatewayClient

        client = GatewayClient(raise_request_exception=False)
        if user is not None:
            client.force_login(user)
        return client


def _encoded(data: Any, content_type: str | None) -> tuple[bytes, str]:
    if data is None:
        return b"", content_type or JSON
    if isinstance(data, bytes | str):
        return data.encode() if isinstance(data, str) else data, content_type or JSON
    if isinstance(data, Mapping) and any(isinstance(value, File) for value in data.values()):
        return encode_multipart(BOUNDARY, dict(data)), MULTIPART_CONTENT
    if isinstance(data, Mapping) and content_type == FORM:
        return urlencode(data, doseq=True).encode(), FORM
    return json.dumps(data, cls=DjangoJSONEncoder).encode(), content_type or JSON


@contextmanager
def _own_files(kind: str) -> Iterator[None]:
    """Keep uploaded files in memory, separately for this side: the other side's may have the same name."""
    if not kind.startswith("multipart/"):
        yield
        return
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "default": memory}):
        yield


def _aliases() -> set[str]:
    return {DEFAULT_DB_ALIAS, *held_aliases()}


@contextmanager
def _still() -> Iterator[None]:
    try:
        import time_machine
    except ImportError:
        yield
        return
    with time_machine.travel(utc_now(), tick=False):
        yield


def _rows() -> Tables:
    """All rows of the project's own tables, without sessions, whose keys are random."""
    found: Tables = {}
    for model in apps.get_models():
        if model._meta.managed and not model._meta.proxy and model._meta.label_lower not in RANDOM:  # noqa: SLF001 - Django's manual has it
            found[model._meta.db_table] = list(model._base_manager.order_by("pk").values())  # noqa: SLF001 - as above
    return {table: rows for table, rows in found.items() if rows}


RANDOM = frozenset({"sessions.session", "admin.logentry"})
