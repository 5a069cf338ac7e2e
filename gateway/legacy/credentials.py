"""Records what authentication read of a request: requests that are equal in that have the same caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.request import HttpHeaders
from starlette.types import Scope

from gateway.rollout.cohort import cookie_value
from gateway.routing.request import RequestInfo

__all__ = ["Carrier", "Way", "note_reading"]

Carrier = tuple[str, bytes]  # where it was read, and its name: ("header", b"authorization")
COOKIE, HEADER = "cookie", "header"
# Keys of META that aren't headers and may tell callers apart; all others are the same for every caller.
OTHERS: Mapping[str, Carrier] = {
    "CONTENT_LENGTH": (HEADER, b"content-length"),
    "CONTENT_TYPE": (HEADER, b"content-type"),
    "PATH_INFO": ("path", b""),
    "QUERY_STRING": ("query", b""),
    "REMOTE_ADDR": ("client", b""),
    "REMOTE_HOST": ("client", b""),
}
EVERYTHING: Carrier = ("everything", b"")
Note = Callable[[Carrier], object]


class Way:
    """One way in which requests are authenticated: by the same classes, which read the same parts of each request.

    `carriers` are the parts that were read so far. `silent`: requests that have none of them, for instance none of
    `headers`, are anonymous.
    """

    __slots__ = ("_carriers", "_cookies", "_headers", "_number", "_others", "headers", "silent")

    def __init__(self, number: int, session_cookie: bytes) -> None:
        self._number = number
        self._carriers: frozenset[Carrier] = frozenset()
        self.silent = False
        self.add({(COOKIE, session_cookie)})

    @property
    def bounded(self) -> bool:
        """Whether only headers and cookies are read."""
        return not self._others

    def add(self, carriers: set[Carrier]) -> None:
        """Add parts that are read, too."""
        if carriers <= self._carriers:
            return
        self._carriers |= carriers
        found = sorted(self._carriers)
        self._cookies = tuple(name for kind, name in found if kind == COOKIE)
        self._headers = tuple(name for kind, name in found if kind == HEADER)
        self._others = tuple(kind for kind, _ in found if kind not in (COOKIE, HEADER))
        self.headers = frozenset((b"cookie", *self._headers))

    def shown(self, info: RequestInfo, scope: Scope) -> list[object]:
        """The values of these parts in a request."""
        headers = info.headers
        cookies = headers.get(b"cookie", b"")
        found: list[object] = [*map(headers.get, self._headers)]
        for name in self._cookies:
            found.append(cookie_value(cookies, name))  # noqa: PERF401 - a comprehension has a frame of its own
        if self._others:
            found += [_other(kind, info, scope) for kind in self._others]
        return found

    def key(self, shown: list[object]) -> bytes:
        """A cache key, equal for requests with equal values. A digest, so that no secret is stored."""
        return blake2b(ascii((self._number, shown)).encode(), digest_size=20).digest()


def _other(kind: str, info: RequestInfo, scope: Scope) -> object:
    if kind == "client":
        return info.client
    if kind == "path":
        return info.path
    query = scope.get("query_string", b"")
    return query if kind == "query" else (info.method, info.path, info.client, query, sorted(info.headers.items()))


def note_reading(request: HttpRequest) -> set[Carrier]:
    """Record the parts of `request` that are read from now on: headers, cookies, query and address."""
    found: set[Carrier] = set()
    # Set in the places where the request object caches them.
    request.headers = _Headers(request.META, found.add)
    request.COOKIES = _Noting(request.COOKIES, _cookie, found.add)
    request.META = request.environ = _Noting(request.META, _of_meta, found.add)  # type: ignore[attr-defined] # WSGI's
    return found


def _cookie(name: str) -> Carrier | None:
    if name == settings.CSRF_COOKIE_NAME:  # it is for CSRF checks, which aren't made here
        return None
    return COOKIE, name.encode("utf-8", "replace")


def _of_meta(key: str) -> Carrier | None:
    if key.startswith("HTTP_"):
        return HEADER, key[5:].replace("_", "-").lower().encode("latin-1", "replace")
    return OTHERS.get(key)


class _Noting(dict[str, Any]):
    """A dictionary that records the keys that are read."""

    def __init__(self, values: Mapping[str, Any], carrier: Callable[[str], Carrier | None], note: Note) -> None:
        super().__init__(values)
        self._carrier = carrier
        self._note = note

    def _read(self, key: str) -> None:
        if (carrier := self._carrier(key)) is not None:
            self._note(carrier)

    def __getitem__(self, key: str) -> Any:
        self._read(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """As in a dictionary."""
        self._read(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._read(str(key))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self._note(EVERYTHING)
        return super().__iter__()

    def keys(self) -> Any:
        """As in a dictionary."""
        self._note(EVERYTHING)
        return super().keys()

    def values(self) -> Any:
        """As in a dictionary."""
        self._note(EVERYTHING)
        return super().values()

    def items(self) -> Any:
        """As in a dictionary."""
        self._note(EVERYTHING)
        return super().items()


class _Headers(HttpHeaders):
    """`request.headers`, recording what is read."""

    def __init__(self, environ: Mapping[str, Any], note: Note) -> None:
        super().__init__(environ)
        self._note = note

    def __getitem__(self, key: str) -> str:
        self._note((HEADER, key.replace("_", "-").lower().encode("latin-1", "replace")))
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        self._note(EVERYTHING)
        return super().__iter__()
