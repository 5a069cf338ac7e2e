"""The files to be written, what is left to do in them, and the next steps. Nothing is overwritten."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["CannotScaffold", "Draft", "File", "FileOutcome"]

FileKind = Literal["router", "application", "test", "configuration"]
FileOutcome = Literal["written", "unchanged", "kept", "planned"]


class CannotScaffold(Exception):
    """Nothing can be written for this endpoint. The message says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class File:
    """`text` is the whole file. `appended`: it is the existing file with additions at its end; what was there is not
    shown, as it may hold URLs and secrets of hooks."""

    path: Path
    text: str
    kind: FileKind
    appended: bool = False

    @property
    def before(self) -> str | None:
        """The present content of the file; None if there is none."""
        return self.path.read_text(encoding="utf-8") if self.path.exists() else None

    def diff(self, root: Path) -> str:
        """The difference between the present content and `text`, as from `diff -u`."""
        name = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        old, new = (self.before or "").splitlines(keepends=True), self.text.splitlines(keepends=True)
        before = "/dev/null" if self.before is None else f"a/{name}"
        context = 3
        if self.appended:
            context = 0
            old[-1:] = new[len(old) - 1 : len(old)]  # the same but for the end of the line, which it may lack
        return "".join(difflib.unified_diff(old, new, before, f"b/{name}", n=context))

    @property
    def shown(self) -> str:
        """What `text` adds to a file that it is appended to; else the whole of it."""
        return self.text.removeprefix(self.before or "") if self.appended else self.text

    def outcome(self) -> FileOutcome:
        """What `write` would do."""
        if self.before == self.text:
            return "unchanged"
        return "written" if self.before is None or self.appended else "kept"

    def write(self) -> FileOutcome:
        """Write it, unless there is another file with its name."""
        outcome = self.outcome()
        if outcome == "written":
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(self.text, encoding="utf-8")
        return outcome


@dataclass(frozen=True, slots=True)
class Draft:
    """`endpoints` are those to be moved, `mode` whether they are lifted or rewritten. `todos`: what could not be
    translated, each a NotImplementedError in the text. `notes`: further information; `steps`: what to do next."""

    endpoints: tuple[str, ...]
    service: str
    route: str
    mode: Literal["lift", "rewrite"]
    files: tuple[File, ...]
    todos: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    def write(self) -> Sequence[tuple[File, FileOutcome]]:
        """Write the files that don't exist yet."""
        return [(file, file.write()) for file in self.files]
