"""The document of the snapshot in force."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.apidoc.merge import merge
from gateway.apidoc.names import SourceDocument
from gateway.apidoc.operations import Document
from gateway.apidoc.serving import SnapshotServing
from gateway.snapshot import Snapshot

__all__ = ["ApiDocument", "Encoded", "Sources"]


class Sources(NamedTuple):
    """The documents of the project (first) and of the services, and what is left out, in words."""

    documents: Sequence[SourceDocument]
    notes: Sequence[str] = ()


class Encoded(NamedTuple):
    """A document as it is sent, and its entity tag."""

    body: bytes
    etag: bytes


class _Made(NamedTuple):
    """The document of one snapshot, and in JSON by root."""

    snapshot: Snapshot
    document: Document
    encoded: dict[str, Encoded]


class ApiDocument:
    """Merges what `read` returns, which is called once: what is declared doesn't change while a process runs.

    A document is kept as long as its snapshot is in force. To be called on any thread but the event loop's: the first
    call takes as long as drf-spectacular does.
    """

    def __init__(self, read: Callable[[], Sources]) -> None:
        self._read = read
        self._sources: Sources | None = None
        self._made: _Made | None = None
        self._lock = threading.Lock()

    @property
    def sources(self) -> Sources:
        """What is merged."""
        if self._sources is None:
            self._sources = self._read()
        return self._sources

    def of(self, snapshot: Snapshot, root: str = "") -> Document:
        """The document of what `snapshot` serves, for a site under `root`."""
        with self._lock:
            document = self._of(snapshot).document
        first = {"openapi": document["openapi"], "info": document["info"], "servers": [{"url": root or "/"}]}
        return {**first, **document}

    def encoded(self, snapshot: Snapshot, root: str = "") -> Encoded:
        """The same, in JSON."""
        body = json.dumps(self.of(snapshot, root), ensure_ascii=False, separators=(",", ":")).encode()
        encoded = Encoded(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode())
        with self._lock:
            return self._of(snapshot).encoded.setdefault(root, encoded)

    def kept(self, snapshot: Snapshot, root: str = "") -> Encoded | None:
        """What `encoded` has made for this snapshot already. May be called on the event loop."""
        made = self._made
        return made.encoded.get(root) if made is not None and made.snapshot is snapshot else None

    def _of(self, snapshot: Snapshot) -> _Made:
        made = self._made
        if made is None or made.snapshot is not snapshot:
            documents, notes = self.sources
            made = self._made = _Made(snapshot, merge(documents, SnapshotServing(snapshot), notes=notes), {})
        return made
