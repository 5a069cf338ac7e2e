"""The entries of gateway.toml that a scaffolded endpoint needs, appended to the file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway.workbench.scaffold.draft import CannotScaffold, File
from gateway.workbench.scaffold.selection import Claim, shape

__all__ = ["Configuration"]


class Configuration:
    """A configuration file, which is only read and appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        content = tomllib.loads(self.text)
        self._table = "tool.gateway." if path.name == "pyproject.toml" else ""
        self.content: Mapping[str, Any] = content.get("tool", {}).get("gateway", {}) if self._table else content

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """`[services]`."""
        found: Mapping[str, Mapping[str, Any]] = self.content.get("services", {})
        return found

    @property
    def routes(self) -> Mapping[str, Mapping[str, Any]]:
        """`[[routes]]`, by name."""
        return {route.get("name", ""): route for route in self.content.get("routes", [])}

    def existing(self, service: str, claim: Claim) -> str | None:
        """The name of an existing route with this claim."""
        for name, route in self.routes.items():
            same = [shape(route.get(kind) or "") for kind in ("path", "prefix")] == [
                shape(place or "") for place in (claim.path, claim.prefix)
            ]
            if (
                same
                and route.get("service") == service
                and set(claim.methods) <= set(route.get("methods", claim.methods))
            ):
                return name
        return None

    def excluded(self, route: str, templates: Iterable[str]) -> list[str]:
        """Those of `templates` that an existing route leaves to other views, whatever their parameters are called."""
        left = {shape(template) for template in self.routes[route].get("exclude", ())}
        return [template for template in dict.fromkeys(templates) if shape(template) in left]

    def with_entries(self, service: str, app: str | None, answers: str, route: str | None, claim: Claim) -> File:
        """The file with the missing entries: the service if there is an `app` for it, the route if it has a name.

        Raises CannotScaffold, with the text to paste, if it can't be appended.
        """
        added = ""
        if app is not None:
            added += f"\n[{self._table}services.{service}]\napp = {json.dumps(app)}\nanswers = {json.dumps(answers)}\n"
        if route is not None:
            added += _route(f"[[{self._table}routes]]", route, service, claim)
        text = self.text if self.text.endswith("\n") or not self.text else f"{self.text}\n"
        try:
            tomllib.loads(text + added)
        except tomllib.TOMLDecodeError as exc:
            raise CannotScaffold(f"{self.path} can't be added to ({exc}): put this where it belongs\n{added}") from exc
        return File(self.path, text + added, "configuration", appended=True)


def _route(header: str, name: str, service: str, claim: Claim) -> str:
    place = ("path", claim.path) if claim.path is not None else ("prefix", claim.prefix)
    lines = ["", header, f"name = {json.dumps(name)}", f"{place[0]} = {json.dumps(place[1])}"]
    if claim.methods:
        lines.append(f"methods = {json.dumps(list(claim.methods))}")
    if claim.exclude:
        lines.append(f"exclude = {json.dumps(list(claim.exclude))}  # other views of the project")
    lines += [f"service = {json.dumps(service)}", 'claim = "implemented"', 'stage = "legacy"', ""]
    return "\n".join(lines)
