"""One recording in one process: the requests that it knows, and what is new."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b

from gateway.parity.pointer import compile_patterns
from gateway.parity.redact.pseudonyms import Pseudonyms
from gateway.recording.lines import line_tracer
from gateway.recording.plan import Plan
from gateway.recording.repeated import FULL, RepeatedRequests
from gateway.recording.sample import Sampled, Who, document_of
from gateway.recording.shape import named_values, shape_of
from gateway.routing.request import RequestInfo
from gateway.routing.table import Match

__all__ = ["Batch", "Found", "RecordingSession"]

ASKED = 5  # similar requests whose callers are looked up if the view didn't read the user
MOST_EXACT = 20_000  # requests that are recognised exactly, not by their shape
MOST_PATHS = 2000  # whose templates are remembered
UNKNOWN = "?"  # the kind of a user that was not determined


@dataclass(frozen=True, slots=True)
class Found:
    """Similar requests: the number of new ones since the last `drain`, and the case that represents them, as JSON, if
    it is new too."""

    endpoint: str
    count: int
    document: str | None = None
    at: float = 0.0


NOTHING_NEW = Found("", 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a session has for storing. `seen` requests matched the recording, `skipped` counts those in no case by
    reason; both since it began. `done`: nothing more will come."""

    recording: str
    found: Mapping[str, Found]
    seen: int
    skipped: Mapping[str, int]
    done: bool


@dataclass(slots=True)
class _Known:
    """What a session has seen."""

    exact: dict[int, str] = field(default_factory=dict)
    fingerprints: set[str] = field(default_factory=set)
    resolved: dict[str, tuple[int, str]] = field(default_factory=dict)
    cases: dict[str, int] = field(default_factory=dict)
    size: int = 0


class RecordingSession:
    """One recording in this process. The event loop calls `template`, `repeats` and `skip`, one thread `look`, another
    `drain`.

    `pending` and `finished` count the requests to be analysed, and those that were. `cookies` are the names of cookies
    that are kept.
    """

    def __init__(self, plan: Plan, cookies: Sequence[bytes] = ()) -> None:
        self.plan = plan
        self.open = True
        self.seen = self.pending = self.finished = 0
        self.max_body = plan.selection.limits.max_body
        self.trace = line_tracer.begin if plan.selection.lines else None
        self._cookies = cookies
        self._skipped: dict[str, int] = {}
        self._known = _Known()
        self._repeated = RepeatedRequests()
        self._template = lru_cache(MOST_PATHS)(plan.template)
        self._lock = threading.Lock()
        self._found: dict[str, Found] = {}  # new since the last `drain`
        self._counts: dict[str, int] = {}  # written by the analysing thread
        self._stored: dict[str, int] = {}  # stored part of these, written by the storing thread
        names, nothing = frozenset(plan.selection.names), compile_patterns(())
        self._pseudonyms = Pseudonyms(plan.secret, names, nothing) if plan.selection.redact else None

    def template(self, info: RequestInfo, match: Match | None) -> str | None:
        """The template of a request, if it is to be recorded."""
        if match is not None and match.route in self.plan.routes:
            return match.template
        return self._template(info.path, info.method)

    def repeats(self, key: int) -> bool:
        """Whether a request with this key was analysed, so that another is only to be counted, which this does."""
        fingerprint = self._repeated.count(key)
        if fingerprint == FULL:
            self.skip("full")
        return fingerprint is not None

    def skip(self, reason: str) -> None:
        """Count a request that will be in no case; `reason` is one word of a few."""
        self._skipped[reason] = self._skipped.get(reason, 0) + 1

    # -- on the analysing thread ------------------------------------------------------------------

    def look(
        self, sampled: Sampled, known: Who | None, ask: Callable[[Sampled], Who | None], key: int | None = None
    ) -> None:
        """Count a request, and keep it if no similar one is known. `known` is its caller, if determined; otherwise
        `ask` may be called. From then on, requests with this `key` are its repetitions."""
        fingerprint = self._look(sampled, known, ask)
        if key is not None and fingerprint is not None:
            self._repeated.learn(key, fingerprint)

    def _look(self, sampled: Sampled, known: Who | None, ask: Callable[[Sampled], Who | None]) -> str | None:
        """The fingerprint; FULL if there are enough cases, None if it can't be kept."""
        exact = self._exact(sampled, known)
        fingerprint = self._known.exact.get(exact)
        if fingerprint is None:
            fingerprint, who = self._fingerprint(sampled, known, ask)
            if len(self._known.exact) < MOST_EXACT:
                self._known.exact[exact] = fingerprint
            if fingerprint not in self._known.fingerprints:
                return self._keep(fingerprint, sampled._replace(who=who))
        if fingerprint in self._known.fingerprints:
            self._counts[fingerprint] = self._counts.get(fingerprint, 0) + 1
            return fingerprint
        self.skip("full")
        return FULL

    def _exact(self, sampled: Sampled, who: Who | None) -> int:
        kept, answer = sampled.kept, sampled.answer
        info, headers = kept.info, kept.info.headers
        named = who.kind if who is not None else (headers.get(b"cookie"), headers.get(b"authorization"))
        asked = info.method, info.path, kept.scope["query_string"], kept.request_body, headers.get(b"content-type")
        return hash((asked, answer.status, answer.body, named, sampled.reached))

    def _fingerprint(
        self, sampled: Sampled, known: Who | None, ask: Callable[[Sampled], Who | None]
    ) -> tuple[str, Who]:
        alike = self._alike(sampled)
        if known is not None:
            return self._digest(known.kind, *alike), known
        unknown = self._digest(UNKNOWN, *alike)
        times, last = self._known.resolved.get(unknown, (0, ""))
        if times >= ASKED:
            return last, Who()
        who = ask(sampled) or Who()
        found = self._digest(who.kind, *alike)
        self._known.resolved[unknown] = times + 1, found
        return found, who

    def _alike(self, sampled: Sampled) -> tuple[object, ...]:
        """What similar requests have in common, besides their caller."""
        kept, answer = sampled.kept, sampled.answer
        query = kept.scope.get("query_string", b"").decode("latin-1")
        media_type = kept.info.headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
        given = sorted({part.partition("=")[0] for part in query.split("&")})
        shapes = shape_of(media_type, kept.request_body), shape_of(answer.media_type or "", answer.body)
        values = named_values(self.plan.selection.fields, query, media_type, kept.request_body, answer.body)
        return kept.info.method, sampled.template, answer.status, media_type, given, shapes, values, sampled.reached

    def _digest(self, *alike: object) -> str:
        return blake2b(repr(alike).encode("utf-8", "replace"), key=self.plan.secret[:64], digest_size=12).hexdigest()

    def _keep(self, fingerprint: str, sampled: Sampled) -> str | None:
        """As `_look`."""
        known, limits = self._known, self.plan.selection.limits
        endpoint = f"{sampled.kept.info.method} {sampled.template}"
        if known.cases.get(endpoint, 0) >= limits.cases or known.size >= limits.size:
            self.skip("full")
            return FULL
        document = document_of(sampled, self._pseudonyms, self._cookies)
        if document is None:
            self.skip("unreadable")
            return None
        text = json.dumps(document, separators=(",", ":"))
        if known.size + len(text) > limits.size:
            self.skip("full")
            return FULL
        known.size += len(text)
        known.cases[endpoint] = known.cases.get(endpoint, 0) + 1
        with self._lock:
            self._found[fingerprint] = Found(endpoint, 0, text, sampled.at)
        known.fingerprints.add(fingerprint)
        self._counts[fingerprint] = 1
        return fingerprint

    # -- on the storing thread --------------------------------------------------------------------

    def drain(self, now: float) -> Batch:
        """Remove and return what is new. At its end, the session closes."""
        if now >= self.plan.until:
            self.open = False
        done = not self.open and self.pending == self.finished  # read before the results are
        with self._lock:
            cases, self._found = self._found, {}
        found = {}
        repeated = self._repeated.counts.copy()
        for fingerprint, analysed in self._counts.copy().items():
            count = analysed + repeated.get(fingerprint, 0)
            new = count - self._stored.get(fingerprint, 0)
            if new or fingerprint in cases:
                found[fingerprint] = replace(cases.get(fingerprint, NOTHING_NEW), count=new)
                self._stored[fingerprint] = count
        return Batch(self.plan.id, found, self.seen, dict(self._skipped), done)

    def restore(self, batch: Batch) -> None:
        """Put back what could not be stored."""
        for fingerprint, found in batch.found.items():
            self._stored[fingerprint] -= found.count
            if found.document is not None:
                with self._lock:
                    self._found[fingerprint] = found
