"""`gateway scaffold`: from the user's input to the files that are to be written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gateway.config.services import NAME as SERVICE_NAME
from gateway.config.services import NAMED
from gateway.wording import message
from gateway.workbench.inventory import Endpoint
from gateway.workbench.scaffold.application import app_of, including, new_application
from gateway.workbench.scaffold.configuration import Configuration
from gateway.workbench.scaffold.contract_test import TestedEndpoint, contract_test
from gateway.workbench.scaffold.django_router import DjangoViews, asked_of_view, methods
from gateway.workbench.scaffold.draft import CannotScaffold, Draft, File
from gateway.workbench.scaffold.module import is_formatted, module_text
from gateway.workbench.scaffold.naming import identifier, module_path, route_name, stem_of
from gateway.workbench.scaffold.references import Untranslatable, ref
from gateway.workbench.scaffold.selection import Claim, claim_of, selected

__all__ = ["ScaffoldRequest", "scaffold"]

_ROUTE = re.compile(r"""^ROUTE = ["'](.*)["']$""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ScaffoldRequest:
    """`endpoint` is the user's input; `whole`: every endpoint of its view; `tests`: the folder of contract tests."""

    endpoint: str
    service: str
    rewrite: bool = False
    whole: bool = False
    tests: str = "tests"


class _Router(NamedTuple):
    body: str
    answers: str
    todos: Sequence[str] = ()
    notes: Sequence[str] = ()


def scaffold(wanted: ScaffoldRequest, config: Path) -> Draft:
    """The draft for `wanted` in the project of the configuration file `config`. Django must be set up.

    Raises NoSuchEndpoint, and CannotScaffold, which says why not and what to do instead.
    """
    if not SERVICE_NAME.fullmatch(wanted.service):  # else it would be a path, too, or more lines of gateway.toml
        raise CannotScaffold(f"--service {wanted.service!r}: {NAMED}")
    chosen = selected(wanted.endpoint, wanted.whole)
    configuration, root = Configuration(config), config.resolve().parent
    claim = claim_of(chosen)
    try:
        router = _router(chosen, claim, rewrite=wanted.rewrite)
    except Untranslatable as exc:
        raise CannotScaffold(str(exc)) from exc
    app, is_new = app_of(wanted.service, configuration.services, root, router.answers)
    stem = _stem(chosen, app, root, whole=wanted.whole)
    path, module = module_path(app, root, stem, is_new=is_new)
    known = configuration.existing(wanted.service, claim)
    route = known or route_name(wanted.service, stem, configuration.routes.keys())
    files = [File(path, module_text(_title(chosen, wanted), router.body, exported=["router"]), "router")]
    files += _applications(app, wanted.service, module, root, is_new=is_new)
    files.append(_test(chosen, route, _test_path(root / wanted.tests, stem, route)))
    files.append(
        configuration.with_entries(
            wanted.service, app if is_new else None, router.answers, None if known else route, claim
        )
    )
    notes = list(router.notes)
    if known and (excluded := configuration.excluded(known, (endpoint.template for endpoint in chosen))):
        notes.append(
            message(
                "Django goes on serving {endpoints}: route {route!r} of {file} excludes them; take them out of its "
                "`exclude`",
                endpoints=", ".join(excluded),
                route=known,
                file=config.name,
            )
        )
    if not is_formatted():
        notes.append(
            message('the text is not formatted: ruff is not there; pip install "django-fastapi-gateway[workbench]"')
        )
    return Draft(
        endpoints=tuple(map(str, chosen)),
        service=wanted.service,
        route=route,
        mode="rewrite" if wanted.rewrite else "lift",
        files=tuple(files),
        todos=tuple(router.todos),
        notes=tuple(notes),
        steps=tuple(_steps(route, files, router.todos, root)),
    )


def _stem(chosen: Sequence[Endpoint], app: str, root: Path, *, whole: bool) -> str:
    """The name of the module: after its subject, and also the view if another module has that name."""
    stem, view = stem_of(chosen, whole), chosen[0].view.rpartition(".")[2]
    path, _ = module_path(app, root, stem)
    if not path.exists() or re.search(rf"\b{re.escape(view)}\b", path.read_text(encoding="utf-8")):
        return stem
    return f"{stem}_{identifier(re.sub('View(Set)?$', '', view))}"


def _test_path(folder: Path, stem: str, route: str) -> Path:
    """The file of the contract test: after the module, or the route if another route's test has that name."""
    path = folder / f"test_contract_{stem}.py"
    tested = _ROUTE.search(path.read_text(encoding="utf-8")) if path.exists() else None
    return path if tested is None or tested[1] == route else folder / f"test_contract_{identifier(route)}.py"


def _router(chosen: Sequence[Endpoint], claim: Claim, *, rewrite: bool) -> _Router:
    if chosen[0].kind == "drf":
        return _drf_router(chosen, claim, rewrite=rewrite)
    views = DjangoViews(chosen, rewrite=rewrite)
    return _Router(views.text(), "django", views.todos, views.notes)


def _drf_router(chosen: Sequence[Endpoint], claim: Claim, *, rewrite: bool) -> _Router:
    if rewrite:
        from gateway.workbench.drf.rewritten_router import Rewrites

        rewrites = Rewrites(chosen)
        return _Router(rewrites.text(), "drf", rewrites.todos, rewrites.notes)
    from gateway.workbench.drf.lifted_router import lifted

    return _Router(lifted(chosen, claim.prefix), "drf")


def _title(chosen: Sequence[Endpoint], wanted: ScaffoldRequest) -> str:
    how = "written anew" if wanted.rewrite else "as the project's own view answers them"
    about = f"{len(chosen)} endpoints of {chosen[0].view}" if len(chosen) > 1 else str(chosen[0])
    return f"{about}, {how}."


def _applications(app: str, service: str, module: str, root: Path, *, is_new: bool) -> Iterator[File]:
    if is_new:
        yield from new_application(app, service, module, root)
    elif (file := including(app, module, root)) is not None:
        yield file


def _test(chosen: Sequence[Endpoint], route: str, path: Path) -> File:
    user = f"{ref('django.contrib.auth', 'get_user_model')}()"
    known, login = _known(chosen)
    return File(path, contract_test(route, known, login, user), "test")


def _known(chosen: Sequence[Endpoint]) -> tuple[list[TestedEndpoint], str]:
    """The data for the endpoints' tests, and how their users are authenticated."""
    if chosen[0].kind == "drf":
        from gateway.workbench.drf.contracts import asked, login_of

        return [asked(endpoint) for endpoint in chosen], login_of(chosen)
    return [asked_of_view(endpoint, method) for endpoint in chosen for method in methods(endpoint)], "session"


def _steps(route: str, files: Sequence[File], todos: Sequence[str], root: Path) -> Iterator[str]:
    if todos:
        yield f"write what is to do: {len(todos)} NotImplementedError in the new module"
    for file in files:
        if file.kind == "application" and file.outcome() == "kept":
            yield f"include the router in {file.path.relative_to(root)}, as the difference shows"
    test = next(file for file in files if file.kind == "test")
    yield f"pytest {test.path.relative_to(root)}"
    yield f"gateway check; restart the server; then gateway promote {route}"
