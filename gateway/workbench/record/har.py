"""Makes a corpus of a file that a browser's developer tools saved (HAR 1.2,
http://www.softwareishard.com/blog/har-12-spec/).

Browsers leave cookies out, so the user must be given.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote_plus, urlsplit

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from gateway.config.routes import RouteConfig
from gateway.parity.pointer import compile_patterns
from gateway.parity.redact.bodies import redacted_body
from gateway.parity.redact.pseudonyms import Pseudonyms
from gateway.parity.redact.sensitive import is_secret
from gateway.randomness import RANDOMNESS
from gateway.recording.exchange import LEFT_OUT, LEFT_OUT_OF_ANSWERS
from gateway.workbench.corpus import About, Case, Corpus, RecordedResponse, User
from gateway.workbench.inventory import endpoints
from gateway.workbench.record.endpoint_matcher import EndpointMatcher

__all__ = ["UnreadableHar", "corpus_of_har"]

FORM = "application/x-www-form-urlencoded"


class UnreadableHar(ValueError):
    """A file that is no HAR file. The message says why."""


class _Named(BaseModel):
    name: str
    value: str = ""


class _PostData(BaseModel):
    mime_type: str = Field("", alias="mimeType")
    text: str | None = None
    encoding: str | None = None
    params: list[_Named] = []


class _Content(BaseModel):
    text: str | None = None
    encoding: str | None = None


class _Request(BaseModel):
    method: str
    url: str
    headers: list[_Named] = []
    post_data: _PostData | None = Field(None, alias="postData")


class _Response(BaseModel):
    status: int = 0
    headers: list[_Named] = []
    content: _Content = _Content()


class _Entry(BaseModel):
    started: AwareDatetime | None = Field(None, alias="startedDateTime")
    request: _Request
    response: _Response = _Response()


_ENTRIES: TypeAdapter[list[_Entry]] = TypeAdapter(list[_Entry])


def corpus_of_har(
    path: Path,
    user: User,
    *,
    routes: Iterable[RouteConfig] = (),
    host: str | None = None,
    names: Sequence[str] = (),
    redact: bool = True,
) -> Corpus:
    """The requests in a HAR file for endpoints of the project, as made by `user`; only those to `host`, if given.
    `routes` claim some of them; `names` are further sensitive names. Raises UnreadableHar, OSError."""
    entries = _entries(path)
    matcher = EndpointMatcher(endpoints(), routes)
    key = RANDOMNESS.key()
    pseudonyms = Pseudonyms(key, frozenset(names), compile_patterns(())) if redact else None
    cases: dict[str, Case] = {}
    for entry in entries:
        case = _case(entry, user, matcher, host, pseudonyms)
        if case is not None:
            cases.setdefault(case.key, case)
    recorded = next((entry.started for entry in entries if entry.started is not None), None)
    about = About(recorded, "", "har", redact, (), len(entries), path.name)
    return Corpus(tuple(cases.values()), about)


def _entries(path: Path) -> list[_Entry]:
    try:
        document = json.loads(path.read_bytes())
        return _ENTRIES.validate_python(document["log"]["entries"])
    except (ValueError, RecursionError, TypeError, KeyError) as exc:
        first = exc.errors(include_url=False)[0] if isinstance(exc, ValidationError) else None
        said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else "it has no log.entries in JSON"
        raise UnreadableHar(
            f'{path} is no HAR file ({said}). Save one in the browser\'s developer tools: Network, "Save all as HAR"'
        ) from None


def _case(
    entry: _Entry, user: User, matcher: EndpointMatcher, host: str | None, pseudonyms: Pseudonyms | None
) -> Case | None:
    """One request; None if it is for something else, or can't be redacted."""
    url = urlsplit(entry.request.url)
    if url.scheme not in ("http", "https") or (host is not None and host not in (url.hostname, url.netloc)):
        return None
    method = entry.request.method.upper()
    place = matcher.of(method, url.path or "/")
    if place is None:
        return None
    headers = {one.name.lower(): one.value for one in entry.request.headers if not one.name.startswith(":")}
    content_type = headers.get("content-type", entry.request.post_data.mime_type if entry.request.post_data else "")
    body: bytes | None = _body(entry.request.post_data)
    path, query = url.path or "/", url.query
    if pseudonyms is not None:
        path, query = pseudonyms.target(path), pseudonyms.query(query)
        body = redacted_body(body or b"", content_type, pseudonyms)
    if body is None:
        return None
    if body:
        headers["content-type"] = content_type
    return Case(
        template=place.template,
        method=method,
        path=path,
        query=query,
        headers=_headers(headers, pseudonyms),
        body=body,
        user=user,
        answer=_answer(entry.response, pseudonyms),
        route=place.route,
        at=entry.started,
    )


def _body(data: _PostData | None) -> bytes:
    if data is None:
        return b""
    if data.text is None:
        return "&".join(f"{quote_plus(one.name)}={quote_plus(one.value)}" for one in data.params).encode()
    return _decoded(data.text, data.encoding)


def _decoded(text: str, encoding: str | None) -> bytes:
    if encoding == "base64":
        try:
            return b64decode(text)
        except ValueError:
            return b""
    return text.encode("utf-8", "surrogatepass")


def _headers(headers: dict[str, str], pseudonyms: Pseudonyms | None) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value if pseudonyms is None else pseudonyms.header(name, value))
        for name, value in headers.items()
        if name.encode("latin-1", "replace") not in LEFT_OUT and not name.startswith("sec-") and not is_secret(name)
    )


def _answer(response: _Response, pseudonyms: Pseudonyms | None) -> RecordedResponse | None:
    """The response; None if there was none (the request was blocked or aborted)."""
    if not 100 <= response.status <= 599:
        return None
    body = _decoded(response.content.text or "", response.content.encoding)
    lines = [(one.name.lower(), one.value) for one in response.headers if not one.name.startswith(":")]
    content_type = next((value for name, value in lines if name == "content-type"), "")
    if pseudonyms is not None:
        body = redacted_body(body, content_type, pseudonyms) or b""
        lines = [(name, pseudonyms.header(name, value)) for name, value in lines]
    headers = tuple(line for line in lines if line[0].encode("latin-1", "replace") not in LEFT_OUT_OF_ANSWERS)
    return RecordedResponse(response.status, headers, body)
