"""`gateway check`: validates the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, fail, misuse, plain_problems, print_json
from gateway.config.problems import ConfigError
from gateway.rollout.stage import CANARY
from gateway.server.terminal import STARTUP_FAILURE
from gateway.wording import counted

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["EPILOG", "check"]

EPILOG = """\
\b
Examples:
  gateway check
  gateway check --json | jq .problems
  gateway check --baseline legacy.txt           in CI: no new endpoint without a route
  gateway check --baseline legacy.txt --update  once, and after each move

\b
A view is listed if retired routes claim all of its URLs: it can be deleted. Its URLs can then no longer be reversed.

\b
Each entry of MIDDLEWARE is applied, dropped, or half applied: then the state that it leaves for the view is on another
thread than the service's code. To find out, synthetic requests pass through the middleware, without lasting effects.

\b
Status 0: the configuration is valid. Status 1: it is, but Django has an endpoint that is not in the baseline. \
Status 3: it is invalid; every problem is listed with its key, value and expected shape.
"""


def check(
    context: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="End with 1 if Django has an endpoint that is not in FILE, nor in a route."),
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Rewrite FILE with the present endpoints.")] = False,
) -> None:
    """Check the configuration, and list every problem in it."""
    if update and baseline is None:
        misuse("--update goes with --baseline FILE")
    try:
        path = config_path(context, config)
        report = _report(path, baseline, update=update)
    except ConfigError as exc:
        if not as_json:
            raise
        print_json("check", ok=False, config=exc.source, problems=plain_problems(exc.problems))
        raise typer.Exit(STARTUP_FAILURE) from None
    if as_json:
        print_json("check", **_described(report))
    else:
        _print(report)
    if report["baseline"] is not None and report["baseline"]["new"] and not update:
        raise typer.Exit(1)


def _report(path: Path, baseline: Path | None, *, update: bool) -> dict[str, Any]:
    from gateway.workbench import checks as findings
    from gateway.workbench import describe
    from gateway.workbench.hook_notes import hook_notes
    from gateway.workbench.pages import page_notes
    from gateway.workbench.runtime_states import put_in_force

    try:
        gateway = build(path)
    except ConfigError as exc:
        raise ConfigError([*exc.problems, *findings.of_file(path, exc.problems)], exc.source) from exc
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
        "middleware": describe.tried_middleware(gateway),
        "routes": describe.routes(gateway),
        "stages": states.described(),
        "retired": findings.retired(gateway),
        "baseline": _compared(gateway, baseline, update=update) if baseline is not None else None,
        "notes": [
            *describe.notes(gateway),
            *findings.notes(gateway, states),
            *hook_notes(gateway, states),
            *page_notes(gateway),
        ],
    }


def _compared(gateway: Gateway, path: Path, *, update: bool) -> dict[str, Any]:
    """The differences from the baseline, in the form of `BaselineReport`; with `update`, the baseline is rewritten."""
    from gateway.workbench import describe
    from gateway.workbench.inventory import baseline
    from gateway.workbench.inventory.report import inventory

    if not describe.is_django(gateway):
        fail("there is no baseline: [legacy] is another WSGI application, which can't be asked for its URLs")
    endpoints = baseline.legacy_endpoints(inventory(gateway.snapshot, None, 1).entries)
    try:
        found = baseline.compare(baseline.read(path) if path.exists() or not update else [], endpoints)
        if update:
            baseline.write(path, endpoints)
    except FileNotFoundError:
        misuse(f"there is no {path}; `gateway check --baseline {path} --update` writes it")
    except (OSError, ValueError) as exc:
        fail(str(exc))
    return {"file": str(path), "new": list(found.new), "gone": list(found.gone), "updated": update}


def _described(report: dict[str, Any]) -> dict[str, Any]:
    """The report in the form of `CheckDocument` in workbench/shapes."""
    from gateway.workbench import describe

    services = [{"service": one["name"], **{k: v for k, v in one.items() if k != "name"}} for one in report["services"]]
    return report | {"services": services, "routes": [describe.route_document(route) for route in report["routes"]]}


def _print(report: dict[str, Any]) -> None:
    legacy = report["legacy"]
    app = legacy["wsgi"] or f"Django, {legacy['settings']}"
    typer.echo(f"{report['config']} holds.\n")
    typer.echo(f"legacy      {app}, {legacy['threads']} threads")
    _print_list("services", [_service_line(service) for service in report["services"]])
    _print_list("middleware", [line for name in report["middleware"] for line in _entry_lines(name, report)])
    _print_list("routes", [_route_line(route) for route in report["routes"]])
    taken = [line for route in report["routes"] for line in _taken_lines(route)]
    if taken:
        _print_list("takes over", taken)
    if report["retired"]:
        _print_list("retired", [line for view in report["retired"] for line in _retired_lines(view)])
    if report["baseline"] is not None:
        _print_list("baseline", [*_baseline_lines(report["baseline"])])
    _print_list("notes", report["notes"])


def _print_list(title: str, lines: list[str]) -> None:
    for index, line in enumerate(lines or ["none"]):
        typer.echo(f"{title if index == 0 else '':<12}{line}")


def _service_line(service: dict[str, Any]) -> str:
    count = service["endpoints"]
    declared = "can't be asked for its endpoints" if count is None else counted(count, "endpoint")
    return f"{service['name']}: {service['app'] or service['url']}, {declared}"


def _entry_lines(name: str, report: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {_became(entry)} {entry['entry']}" + (f" ({entry['why']})" if entry["why"] else "")
        for entry in report["middleware"][name]
    ]


def _became(entry: dict[str, Any]) -> str:
    if entry["needs"]:
        return "half applied"
    return "applied" if entry["applied"] else "dropped"


def _route_line(route: dict[str, Any]) -> str:
    methods = " ".join(route["methods"]) or "every method"
    pattern = f"path {route['path']}" if route["path"] else f"prefix {route['prefix']}"
    what = "everything" if route["claim"] == "all" else counted(len(route["endpoints"]), "endpoint")
    state = route["effective"]
    stage = f"{state.stage} {state.weight:g} %" if state.stage == CANARY else state.stage
    if stage != (declared := str(route["declared"]).replace(" at ", " ")):
        stage += f" (the file says {declared})"
    return f"{route['name']}: {pattern}, {methods} → {route['service']}, {what}, {stage}"


def _taken_lines(route: dict[str, Any]) -> list[str]:
    """The project's URLs that a route takes over, if the service is called at its stage."""
    from gateway.workbench.taken import url_line

    return [f"{route['name']}: {url_line(url)}" for url in route["takes_over"]]


def _retired_lines(view: dict[str, Any]) -> list[str]:
    if view["deletable"]:
        urls = ", ".join(_url(url) for url in view["urls"])
        return [f"{view['view']} can be deleted: {', '.join(view['routes'])} claims all of {urls}"]
    lines = [f"{view['view']} can't be deleted yet:"]
    lines += [f"  {_url(url)} is served by no view any more" for url in view["urls"]]
    return lines + [f"  {_url(url)}: {url['why']}" for url in view["kept"]]


def _baseline_lines(found: dict[str, Any]) -> Iterator[str]:
    done = "added" if found["updated"] else "new, in no route and not in the baseline"
    yield from (f"{endpoint} is {done}" for endpoint in found["new"])
    if found["gone"] and not found["updated"]:
        yield f"{counted(len(found['gone']), 'endpoint')} of it went or moved; --update writes it anew"
    elif found["gone"]:
        yield f"{counted(len(found['gone']), 'endpoint')} removed"
    if not found["new"] and not found["gone"]:
        yield f"{found['file']} has every endpoint that Django serves and no route has taken up"


def _url(url: dict[str, Any]) -> str:
    return f"{url['pattern']} ({url['name']})" if url["name"] else url["pattern"]
