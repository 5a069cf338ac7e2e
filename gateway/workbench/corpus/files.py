"""A corpus as a file of JSON Lines: the first line describes it, each other line is a case."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from gateway.workbench.corpus.case import Case, case_of, case_to_json
from gateway.workbench.corpus.corpus import VERSION, About, Corpus

__all__ = ["FORMAT", "BrokenCorpus", "NewerCorpus", "UnreadableCorpus", "read_corpus", "write_corpus"]

FORMAT = "gateway-corpus"
MOST_SAID = 3  # errors that are shown for one line
ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}  # line breaks for some readers
_ABOUT: TypeAdapter[About] = TypeAdapter(About)


class UnreadableCorpus(ValueError):
    """A file that can't be read as a corpus. The message says why, and what to do."""


class BrokenCorpus(UnreadableCorpus):
    """The file doesn't have the form described in docs/corpus.md."""


class NewerCorpus(UnreadableCorpus):
    """A later release wrote the file in a newer version of the format."""


def read_corpus(path: Path | str) -> Corpus:
    """The corpus in a file. Raises UnreadableCorpus, which names the file, the line and the key; OSError if there is no
    file."""
    path = Path(path)
    try:
        lines = path.read_bytes().decode().split("\n")
    except UnicodeDecodeError as exc:
        raise BrokenCorpus(f"{path}: it isn't UTF-8 (byte {exc.start}), so no corpus") from None
    about = _about(path, lines[0])
    return Corpus(tuple(_cases(path, lines[1:])), about)


def write_corpus(corpus: Corpus, path: Path | str) -> None:
    """Write a corpus atomically: the file keeps its content until then. A new file is readable by its owner only."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in _lines(corpus))
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            Path(name).chmod(path.stat().st_mode & 0o7777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _lines(corpus: Corpus) -> Iterator[str]:
    about = {"format": FORMAT, "version": VERSION, **_ABOUT.dump_python(corpus.about, mode="json")}
    yield _json(about)
    yield from (_json(case_to_json(case)) for case in corpus.cases)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).translate(ENDS)


def _about(path: Path, line: str) -> About:
    wanted = f'its first line is {{"format": "{FORMAT}", "version": {VERSION}, …}}; `gateway record` writes one'
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise BrokenCorpus(f"{path}: this is no corpus: {wanted}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BrokenCorpus(f"{path}: this is no corpus: {wanted}")
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BrokenCorpus(f"{path}, line 1: version: a whole number from 1 on, not {version!r}")
    if version > VERSION:
        raise NewerCorpus(
            f"{path}: it has version {version} of the format, and this release reads up to {VERSION}: upgrade"
            " django-fastapi-gateway, or record again with this one"
        )
    try:
        return _ABOUT.validate_json(line)
    except ValidationError as exc:
        raise BrokenCorpus(f"{path}, line 1: {_said(exc)}") from None


def _cases(path: Path, lines: Iterable[str]) -> Iterator[Case]:
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            yield case_of(line)
        except ValidationError as exc:
            raise BrokenCorpus(f"{path}, line {number}: {_said(exc)}; correct the line, or delete it") from None


def _said(error: ValidationError) -> str:
    """The errors, each with its place in the line."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    shown = [
        f"{'.'.join(map(str, one['loc'])) or 'the line'}: {one['msg'].removeprefix('Value error, ')}"
        for one in found[:MOST_SAID]
    ]
    return "; ".join(shown + [f"and {len(found) - MOST_SAID} more"] * (len(found) > MOST_SAID))
