"""What is to be written: files, what is left to do in them, and what comes next. Nothing is overwritten."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["CannotScaffold", "Draft", "File", "Outcome"]

Kind = Literal["router", "application", "test", "configuration"]
Outcome = Literal["written", "unchanged", "kept", "planned"]


class CannotScaffold(Exception):
    """Nothing can be written for this endpoint. The message says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class File:
    """`text` is the whole file; `appended`: it is the old one with something at its end, which is no overwriting."""

    path: Path
    text: str
    kind: Kind
    appended: bool = False

    @property
    def before(self) -> str | None:
        """What the file has now; None where there is none."""
        return self.path.read_text(encoding="utf-8") if self.path.exists() else None

    def diff(self, root: Path) -> str:
        """From what is there to `text`, as `diff -u` has it."""
        name = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        old, new = (self.before or "").splitlines(keepends=True), self.text.splitlines(keepends=True)
        before = "/dev/null" if self.before is None else f"a/{name}"
        return "".join(difflib.unified_diff(old, new, before, f"b/{name}"))

    def outcome(self) -> Outcome:
        """What `write` would do."""
        if self.before == self.text:
            return "unchanged"
        return "written" if self.before is None or self.appended else "kept"

    def write(self) -> Outcome:
        """Write it, unless there is another of its name."""
        outcome = self.outcome()
        if outcome == "written":
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(self.text, encoding="utf-8")
        return outcome


@dataclass(frozen=True, slots=True)
class Draft:
    """`endpoints` are what it is about, `mode` whether they are lifted or rewritten. `todos`: what could not be
    translated, each a NotImplementedError in the text. `notes`: what else is to be known; `steps`: what to do next."""

    endpoints: tuple[str, ...]
    service: str
    route: str
    mode: Literal["lift", "rewrite"]
    files: tuple[File, ...]
    todos: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    def write(self) -> Sequence[tuple[File, Outcome]]:
        """Write what isn't there yet."""
        return [(file, file.write()) for file in self.files]
