"""One recorded request, who made it, and what it was answered."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, TypeAdapter

from gateway.recording.body import body_to_json

__all__ = ["Case", "Outbound", "Reply", "Statements", "User", "case_of", "case_to_json"]

DIGITS = 12  # of a case's name


def _bytes_of(body: object) -> object:
    """The bytes of a body as the file has it: null, {"text": …} or {"base64": …}."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if not isinstance(body, dict) or len(body) != 1:
        raise ValueError('a body is null, {"text": "…"} or {"base64": "…"}')
    ((kind, value),) = body.items()
    if not isinstance(value, str) or kind not in ("text", "base64"):
        raise ValueError('a body is null, {"text": "…"} or {"base64": "…"}')
    return value.encode() if kind == "text" else b64decode(value, validate=True)


Body: TypeAlias = Annotated[bytes, BeforeValidator(_bytes_of), PlainSerializer(body_to_json)]
Status: TypeAlias = Annotated[int, Field(ge=100, le=599)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Pairs: TypeAlias = tuple[tuple[str, str], ...]  # names in lower case, values as latin-1 reads their bytes


@dataclass(frozen=True, slots=True)
class User:
    """Who made a request. `ref` is the primary key as text, or a pseudonym where the key itself is personal; None of
    somebody anonymous, or where it isn't known."""

    kind: Literal["anonymous", "user", "staff", "superuser"] = "anonymous"
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request was answered by `upstream`: "legacy" or a service's name; None where it isn't known."""

    status: Status
    headers: Pairs = ()
    body: Body = b""
    upstream: str | None = None


@dataclass(frozen=True, slots=True)
class Statements:
    """What was done in the database: how many statements, and the tables that they read and wrote."""

    count: Count
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outbound:
    """A request that the project made meanwhile, and what it was answered, to be played back."""

    method: str
    url: str
    body: Body = b""
    answer: Reply | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A request as it came, and what stands for all that are like it.

    `template` is the endpoint's path ("/api/products/{pk}/"), without the method; `path` is as sent, percent-encoded;
    `query` too, without "?". `headers` are those that matter, without credentials: `user` stands for them. `body` is
    decoded from chunks, but not from a content-encoding. `sql` is None where nobody knows. `route` claims the request;
    None where none does. `seen` is how many requests this case stands for, `at` when the first of them came. `reached`
    names the set of lines of the view that ran, where that was recorded.
    """

    template: str
    method: str
    path: str
    query: str = ""
    headers: Pairs = ()
    body: Body = b""
    user: User = User()
    answer: Reply | None = None
    sql: Statements | None = None
    route: str | None = None
    seen: Annotated[int, Field(ge=1)] = 1
    at: AwareDatetime | None = None
    reached: str | None = None
    outbound: tuple[Outbound, ...] = ()

    @property
    def media_type(self) -> str | None:
        """That of the body, lower case, without parameters; None where none is said."""
        value = self.header("content-type")
        return None if value is None else value.partition(";")[0].strip().lower()

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def endpoint(self) -> str:
        """What cases are grouped by: "GET /api/products/{pk}/"."""
        return f"{self.method} {self.template}"

    @property
    def key(self) -> str:
        """Some digits that name this request, whatever it was answered and however often it came."""
        asked = [self.template, self.method, self.path, self.query, self.headers, self.user.kind, self.user.ref]
        digest = hashlib.sha256(json.dumps(asked).encode())
        digest.update(self.body)
        return digest.hexdigest()[:DIGITS]

    def header(self, name: str) -> str | None:
        """The value of the first header of that name, in lower case."""
        return next((value for other, value in self.headers if other == name), None)


_CASE: TypeAdapter[Case] = TypeAdapter(Case)


def case_of(document: str | bytes) -> Case:
    """The case that a line of a file has. Names it doesn't know are left out: a later release may have added them.
    Raises pydantic's ValidationError."""
    return _CASE.validate_json(document)


def case_to_json(case: Case) -> dict[str, Any]:
    """As a file has it."""
    made: dict[str, Any] = _CASE.dump_python(case, mode="json")
    return made
