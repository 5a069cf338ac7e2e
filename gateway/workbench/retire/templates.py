"""The project's templates: the URL names that they reverse, and the templates that they include."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.template import engines

__all__ = ["TemplateFile", "read_templates"]

_url = re.compile(r"{%-?\s*url\s+['\"]([^'\"]+)['\"]")
_jinja = re.compile(r"\burl(?:_for)?\(\s*['\"]([^'\"]+)['\"]")
_taken_in = re.compile(r"{%-?\s*(?:include|extends|import|from)\s+['\"]([^'\"]+)['\"]")


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A file. `name` is the name by which it is loaded, `reversed` has each URL name with its line."""

    name: str
    path: Path
    reversed: tuple[tuple[int, str], ...]
    takes_in: frozenset[str]


def read_templates(root: Path) -> list[TemplateFile]:
    """The templates in the folders of the project's template engines, as far as they are below `root`."""
    return [template for folder in _folders(root.resolve()) for template in _below(folder)]


def _folders(root: Path) -> list[Path]:
    found = {
        Path(folder).resolve(): None for engine in engines.all() for folder in getattr(engine, "template_dirs", ())
    }
    return [folder for folder in found if folder.is_relative_to(root) and "site-packages" not in folder.parts]


def _below(folder: Path) -> Iterator[TemplateFile]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        lines = text.splitlines()
        reversed_names = tuple(
            (number, name)
            for number, line in enumerate(lines, 1)
            for pattern in (_url, _jinja)
            for name in pattern.findall(line)
        )
        yield TemplateFile(str(path.relative_to(folder)), path, reversed_names, frozenset(_taken_in.findall(text)))
