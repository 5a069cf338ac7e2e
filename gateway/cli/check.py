"""`gateway check`: does the configuration hold?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, print_json
from gateway.cli.terminal import STARTUP_FAILURE
from gateway.config import ConfigError

__all__ = ["EPILOG", "check"]

EPILOG = """\
\b
Examples:
  gateway check
  gateway check --json | jq .problems

\b
A view that only retired routes had is named: it can be deleted. So are its URLs, which can't be reversed any more then.

\b
Status 0: it holds. Status 3: it doesn't; every problem is listed with its key, its value and what was expected.
"""


def check(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Import all that the configuration names, and list every problem."""
    try:
        path = config_path(context, config)
        report = _report(path)
    except ConfigError as exc:
        if not as_json:
            raise
        problems = [{"key": p.key, "value": p.value, "expected": p.expected} for p in exc.problems]
        print_json({"ok": False, "config": exc.source, "problems": problems})
        raise typer.Exit(STARTUP_FAILURE) from None
    if as_json:
        print_json(report)
    else:
        _print(report)


def _report(path: Path) -> dict[str, Any]:
    from gateway.cli import describe, findings
    from gateway.cli.effective import put_in_force

    gateway = build(path)
    states = put_in_force(gateway)
    problems = findings.problems(gateway, states)
    if problems:
        raise ConfigError(problems, str(path))
    return {
        "ok": True,
        "config": str(path),
        "problems": [],
        "legacy": describe.legacy(gateway),
        "services": describe.services(gateway),
        "middleware": describe.middleware(gateway),
        "routes": describe.routes(gateway),
        "states": states.source,
        "retired": findings.retired(gateway),
        "notes": describe.notes(gateway) + findings.notes(gateway, states),
    }


def _print(report: dict[str, Any]) -> None:
    legacy = report["legacy"]
    app = legacy["wsgi"] or f"Django, {legacy['settings']}"
    typer.echo(f"{report['config']} holds.\n")
    typer.echo(f"legacy      {app}, {legacy['threads']} threads")
    _print_list("services", [_service_line(service) for service in report["services"]])
    _print_list("middleware", [line for name in report["middleware"] for line in _entry_lines(name, report)])
    _print_list("routes", [_route_line(route) for route in report["routes"]])
    if report["retired"]:
        _print_list("retired", [line for view in report["retired"] for line in _retired_lines(view)])
    _print_list("notes", report["notes"])


def _print_list(title: str, lines: list[str]) -> None:
    for index, line in enumerate(lines or ["none"]):
        typer.echo(f"{title if index == 0 else '':<12}{line}")


def _service_line(service: dict[str, Any]) -> str:
    count = service["endpoints"]
    declared = "can't be asked for its endpoints" if count is None else _counted(count, "endpoint")
    return f"{service['name']}: {service['app'] or service['url']}, {declared}"


def _entry_lines(name: str, report: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {'applied' if entry['applied'] else 'dropped'} {entry['entry']}"
        + (f" ({entry['why']})" if entry["why"] else "")
        for entry in report["middleware"][name]
    ]


def _route_line(route: dict[str, Any]) -> str:
    methods = " ".join(route["methods"]) or "every method"
    pattern = f"path {route['path']}" if route["path"] else f"prefix {route['prefix']}"
    what = "everything" if route["claim"] == "all" else _counted(len(route["endpoints"]), "endpoint")
    stage = route["stage"] if route["weight"] is None else f"{route['stage']} {route['weight']:g} %"
    if stage != (declared := route["declared"].replace(" at ", " ")):
        stage += f" (the file says {declared})"
    return f"{route['name']}: {pattern}, {methods} → {route['service']}, {what}, {stage}"


def _retired_lines(view: dict[str, Any]) -> list[str]:
    if view["deletable"]:
        urls = ", ".join(_url(url) for url in view["urls"])
        return [f"{view['view']} can be deleted: {', '.join(view['routes'])} claims all of {urls}"]
    lines = [f"{view['view']} can't be deleted yet:"]
    lines += [f"  {_url(url)} is nobody's any more" for url in view["urls"]]
    return lines + [f"  {_url(url)}: {url['why']}" for url in view["kept"]]


def _url(url: dict[str, Any]) -> str:
    return f"{url['pattern']} ({url['name']})" if url["name"] else url["pattern"]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
