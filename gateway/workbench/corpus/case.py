"""One recorded request, its caller and its response."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, TypeAdapter

from gateway.recording.body import body_to_json

__all__ = ["Case", "Outbound", "RecordedResponse", "Statements", "User", "case_of", "case_to_json"]

DIGITS = 12  # digits of a case's name


def _bytes_of(body: object) -> object:
    """The bytes of a body in the file's form: null, {"text": …} or {"base64": …}."""
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


EncodedBody: TypeAlias = Annotated[bytes, BeforeValidator(_bytes_of), PlainSerializer(body_to_json)]
Status: TypeAlias = Annotated[int, Field(ge=100, le=599)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Pairs: TypeAlias = tuple[tuple[str, str], ...]  # names in lower case, values as latin-1 reads their bytes


def _media_type(headers: Pairs) -> str | None:
    value = next((value for name, value in headers if name == "content-type"), None)
    return None if value is None else value.partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class User:
    """The caller of a request. `ref` is the primary key as text, or a pseudonym if the key itself is personal; None for
    anonymous or unknown callers."""

    kind: Literal["anonymous", "user", "staff", "superuser"] = "anonymous"
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """The response to a request, by `upstream`: "legacy" or a service's name; None if unknown."""

    status: Status
    headers: Pairs = ()
    body: EncodedBody = b""
    upstream: str | None = None


@dataclass(frozen=True, slots=True)
class Statements:
    """What was done in the database: the number of statements, and the tables that were read and written."""

    count: Count
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outbound:
    """A request that the project sent to another server meanwhile, and its response, None if it can't be played back.
    `failed` says how the request failed. `masked`: the URL contains pseudonyms."""

    method: str
    url: str
    headers: Pairs = ()
    body: EncodedBody = b""
    answer: RecordedResponse | None = None
    failed: Literal["timeout", "connection"] | None = None
    masked: bool = False

    @property
    def media_type(self) -> str | None:
        """The body's media type, in lower case, without parameters; None if undeclared."""
        return _media_type(self.headers)


@dataclass(frozen=True, slots=True)
class Case:
    """A request, which represents all similar ones.

    `template` is the endpoint's path ("/api/products/{pk}/"), without the method; `path` is as sent, percent-encoded;
    `query` too, without "?". `headers` are the relevant ones, without credentials, for which `user` stands. `body` is
    decoded from chunks, but not from a content-encoding. `sql` is None if unknown. `route` claims the request; None if
    none does. `seen` is the number of requests that the case represents, `at` the time of the first. `reached`
    identifies the set of lines of the view that ran, if that was recorded.
    """

    template: str
    method: str
    path: str
    query: str = ""
    headers: Pairs = ()
    body: EncodedBody = b""
    user: User = User()
    answer: RecordedResponse | None = None
    sql: Statements | None = None
    route: str | None = None
    seen: Annotated[int, Field(ge=1)] = 1
    at: AwareDatetime | None = None
    reached: str | None = None
    outbound: tuple[Outbound, ...] = ()

    @property
    def media_type(self) -> str | None:
        """The body's media type, in lower case, without parameters; None if undeclared."""
        return _media_type(self.headers)

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def endpoint(self) -> str:
        """The label by which cases are grouped: "GET /api/products/{pk}/"."""
        return f"{self.method} {self.template}"

    @property
    def key(self) -> str:
        """Some digits that identify this request, whatever its response and however often it was sent."""
        asked = [self.template, self.method, self.path, self.query, self.headers, self.user.kind, self.user.ref]
        digest = hashlib.sha256(json.dumps(asked).encode())
        digest.update(self.body)
        return digest.hexdigest()[:DIGITS]

    def header(self, name: str) -> str | None:
        """The value of the first header with that name, given in lower case."""
        return next((value for other, value in self.headers if other == name), None)


_CASE: TypeAdapter[Case] = TypeAdapter(Case)


def case_of(document: str | bytes) -> Case:
    """The case in a line of a file. Unknown names are ignored: a later release may have added them. Raises pydantic's
    ValidationError."""
    return _CASE.validate_json(document)


def case_to_json(case: Case) -> dict[str, Any]:
    """The case in the file's form."""
    made: dict[str, Any] = _CASE.dump_python(case, mode="json")
    return made
