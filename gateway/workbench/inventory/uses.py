"""Finds where the project refers to its URLs: `reverse()` in code, `{% url %}` and forms in templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from django.apps import apps
from django.conf import settings

from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.source import is_third_party

__all__ = ["UrlUse", "Uses", "uses"]

_in_code = re.compile(
    r"\b(?:reverse|reverse_lazy|redirect|resolve_url|view_name|viewname|pattern_name)\s*[(=]\s*(?:viewname\s*=\s*)?"
    r"""["'](?P<name>[\w:.-]+)["']"""
)
_in_template = re.compile(r"""{%-?\s*url\s+["'](?P<name>[^"']+)["']|{{[^}]*\burl\(\s*["'](?P<call>[^"']+)["']""")
_form = re.compile(r"<form\b", re.IGNORECASE)
_action = re.compile(r"""\b(?:action|hx-(?:get|post|put|patch|delete))\s*=\s*["'](?P<path>/[^"'{]*)["']""")
_SUFFIXES = {".html", ".txt", ".xml", ".jinja", ".j2", ".jinja2"}
_SKIPPED = {"migrations", "node_modules", "__pycache__", "site-packages", "dist", "build", "static"}
_SETTINGS = ("LOGIN_URL", "LOGIN_REDIRECT_URL", "LOGOUT_REDIRECT_URL")
MOST_BYTES = 2_000_000  # of a file; larger ones are generated


@dataclass(frozen=True, slots=True)
class UrlUse:
    """One reference to a URL. A form is a template that submits to it."""

    kind: Literal["code", "template", "form", "setting"]
    file: str
    line: int


class Uses:
    """All references, by the URL's name with its namespaces, or by the path in a form."""

    def __init__(self, found: dict[str, list[UrlUse]]) -> None:
        self._found = found

    def of(self, endpoint: Endpoint) -> list[UrlUse]:
        """The references to this endpoint's URL. A form sends a POST, and a GET only if it says so."""
        named = self._found.get(endpoint.name or "", [])
        return [*named, *self._found.get(endpoint.template, [])]


def uses() -> Uses:
    """Every reference in the project's own apps and templates. Names that are composed at run time are not found, such
    as those of routers with a `basename`."""
    found: dict[str, list[UrlUse]] = {}
    for path in _files():
        for name, use in _of_file(path):
            found.setdefault(name, []).append(use)
    for setting in _SETTINGS:
        found.setdefault(str(getattr(settings, setting, "")), []).append(UrlUse("setting", setting, 0))
    return Uses(found)


def _files() -> Iterator[Path]:
    roots = {Path(config.path).resolve() for config in apps.get_app_configs() if not is_third_party(config.path)}
    roots |= {Path(folder).resolve() for engine in settings.TEMPLATES for folder in _dirs(engine)}
    module = settings.ROOT_URLCONF.partition(".")[0]
    roots |= {Path(config.path).resolve() for config in apps.get_app_configs() if config.name.startswith(f"{module}.")}
    outermost = [root for root in roots if not any(other in root.parents for other in roots)]
    for root in sorted(outermost):
        yield from _below(root)


def _dirs(engine: dict[str, Any]) -> Iterable[str | Path]:
    found: Iterable[str | Path] = engine.get("DIRS", ())
    return found


def _below(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in _SKIPPED and not path.name.startswith("."):
            yield from _below(path)
        elif path.suffix == ".py" or path.suffix in _SUFFIXES:
            yield path


def _of_file(path: Path) -> Iterator[tuple[str, UrlUse]]:
    if path.stat().st_size > MOST_BYTES:
        return
    is_code = path.suffix == ".py"
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        if is_code:
            yield from ((match["name"], UrlUse("code", str(path), number)) for match in _in_code.finditer(line))
            continue
        kind: Literal["form", "template"] = "form" if _form.search(line) else "template"
        for match in _in_template.finditer(line):
            yield match["name"] or match["call"], UrlUse(kind, str(path), number)
        yield from ((match["path"], UrlUse("form", str(path), number)) for match in _action.finditer(line))
