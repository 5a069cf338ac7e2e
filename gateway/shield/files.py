"""Files: a mirror reads callers' files. What it saves is kept in memory; what it deletes is deleted only for itself."""

from __future__ import annotations

import re
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage

from gateway.parity.intentions import GONE
from gateway.parity.plain_values import plain_bytes
from gateway.shield.effects import note, noting
from gateway.shield.guard import GuardedCall, guard
from gateway.wording import qualified_name

__all__ = ["shield_files"]

SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")
METHODS = frozenset({"_open", "_save", "delete", "exists", "open", "path", "save", "size"})


def shield_files() -> None:
    """Prevent mirrors from changing anything in storages."""
    guard(Storage, METHODS.__contains__, _instead, noting(_effects))


def _instead(call: GuardedCall) -> Any:
    storage = call.target
    if call.scope.intentions is None:  # which have its name and content
        note(_effects(storage, call.name, call.args, call.kwargs))
    files = call.scope.store(("files", id(storage)), lambda: _MirrorFiles(storage))
    return getattr(files, call.name.lstrip("_"))(call, *call.args, **call.kwargs)


def _effects(_storage: Storage, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """What a storage saves or deletes, by its suffix."""
    if method not in ("_save", "delete", "save"):
        return []
    name = args[0] if args else kwargs.get("name")
    if name is None:
        name = getattr(args[1] if len(args) > 1 else kwargs.get("content"), "name", "")
    suffix = found.group().lower() if (found := SUFFIX.search(str(name))) else ""
    return [f"a file is {'deleted' if method == 'delete' else 'saved'}, *{suffix}"]


class _MirrorFiles:
    """What a mirror has saved and deleted in one storage, which it keeps alive, since it is identified by its id."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._saved: dict[str, bytes | None] = {}  # None if it was deleted

    def save(self, call: GuardedCall, name: str | None, content: Any, max_length: int | None = None) -> str:
        name = content.name if name is None else name
        file = content if hasattr(content, "chunks") else File(content, name)
        if call.name == "save":
            name = self._storage.get_available_name(str(name), max_length=max_length)
        kept = str(name).replace("\\", "/")
        saved = b"".join(part.encode() if isinstance(part, str) else part for part in file.chunks())
        self._saved[kept] = saved
        if call.scope.intentions is not None:
            call.scope.intentions.note("file", kept, plain_bytes(saved))
        return kept

    def open(self, call: GuardedCall, name: str, mode: str = "rb") -> Any:
        kept = str(name).replace("\\", "/")
        if any(letter in mode for letter in "wax+"):
            raise call.scope.refuse(f"{_said(self._storage)}.open({kept!r}, {mode!r})")
        if kept not in self._saved:
            return call.proceed()
        content = self._content(kept)
        return ContentFile(content if "b" in mode else content.decode(), name=kept)

    def _content(self, kept: str) -> bytes:
        if (content := self._saved[kept]) is None:
            raise FileNotFoundError(kept)
        return content

    def delete(self, call: GuardedCall, name: str) -> None:
        kept = str(name).replace("\\", "/")
        self._saved[kept] = None
        if call.scope.intentions is not None:
            call.scope.intentions.note("file", kept, GONE)

    def exists(self, call: GuardedCall, name: str) -> bool:
        kept = str(name).replace("\\", "/")
        return self._saved[kept] is not None if kept in self._saved else call.proceed()

    def size(self, call: GuardedCall, name: str) -> int:
        kept = str(name).replace("\\", "/")
        return len(self._content(kept)) if kept in self._saved else call.proceed()

    def path(self, call: GuardedCall, name: str) -> str:
        kept = str(name).replace("\\", "/")
        if self._saved.get(kept) is not None:
            raise call.scope.refuse(f"{_said(self._storage)}.path({kept!r}), of a file that only the mirror has saved")
        found: str = call.proceed()
        return found


def _said(storage: Storage) -> str:
    return qualified_name(type(storage))
