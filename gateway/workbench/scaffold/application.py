"""The application of a service: a new one, or an existing one that is to include a new router."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.workbench.scaffold.draft import CannotScaffold, File
from gateway.workbench.scaffold.module import formatted

__all__ = ["app_of", "including", "new_application"]

DEFAULT_PACKAGE = "services"


def app_of(name: str, services: Mapping[str, Mapping[str, Any]], root: Path, answers: str) -> tuple[str, bool]:
    """The application of service `name` as in gateway.toml, or as to be written there; and whether it is new.

    Raises CannotScaffold if the service has another `answers`.
    """
    known = services.get(name)
    if known is None:
        return f"{_package(services, root)}.{name.replace('-', '_')}:app", True
    if "app" not in known:
        raise CannotScaffold(f"service {name!r} is at a url: name one of this process, or a new one, with --service")
    if known.get("answers", "plain") != answers:
        raise CannotScaffold(
            f'service {name!r} has answers = "{known.get("answers", "plain")}", and this endpoint needs '
            f'answers = "{answers}": name another service, or a new one, with --service'
        )
    return str(known["app"]), False


def _package(services: Mapping[str, Mapping[str, Any]], root: Path) -> str:
    """The package that contains the project's services."""
    tops = [str(one["app"]).partition(":")[0].partition(".") for one in services.values() if "app" in one]
    packages = [top for top, dot, _ in tops if dot and (root / top).is_dir()]
    return packages[0] if packages else DEFAULT_PACKAGE


def new_application(app: str, service: str, module: str, root: Path) -> Iterator[File]:
    """The files of a new service that includes the router of `module`."""
    package = app.partition(":")[0]
    top = root / package.partition(".")[0] / "__init__.py"
    if not top.exists():
        yield File(top, '"""The services."""\n', "application")
    text = (
        f'"""The service {service}."""\n\nfrom fastapi import FastAPI\n\nfrom {module} import router\n\n'
        '__all__ = ["app"]\n\n'
        f'app = FastAPI(\n    title="{service.title()}",\n    openapi_url="/services/{service}/openapi.json",\n'
        f'    docs_url="/services/{service}/docs",\n    redoc_url=None,\n'
        "    redirect_slashes=False,  # Django redirects, as before\n)\napp.include_router(router)\n"
    )
    yield File(root.joinpath(*package.split("."), "__init__.py"), formatted(text), "application")


def including(app: str, module: str, root: Path) -> File | None:
    """The file of an existing application, with the router of `module` included; None if it can't be found."""
    called = f"{module.rpartition('.')[2]}_router"
    for path in _candidates(app, root):
        text = path.read_text(encoding="utf-8")
        if f"from {module} import" in text:
            return File(path, text, "application")
        if (places := _places(text)) is not None:
            lines = text.splitlines()
            after_import, after_include = places
            lines.insert(after_include, f"app.include_router({called})")
            lines.insert(after_import, f"from {module} import router as {called}")
            return File(path, "\n".join(lines) + "\n", "application")
    return None


def _candidates(app: str, root: Path) -> Iterator[Path]:
    place = root.joinpath(*app.partition(":")[0].split("."))
    if place.is_dir():
        yield from (path for name in ("__init__", "main", "app") if (path := place / f"{name}.py").exists())
    elif place.with_suffix(".py").exists():
        yield place.with_suffix(".py")


def _places(text: str) -> tuple[int, int] | None:
    """The lines after the last import and after the last `include_router`, or at the end of the application's
    creation."""
    tree = ast.parse(text)
    if not any(isinstance(node, ast.Assign) and "FastAPI(" in ast.unparse(node) for node in tree.body):
        return None
    imports = [node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    included = [
        node.end_lineno or 0
        for node in tree.body
        if isinstance(node, ast.Expr) and ".include_router(" in ast.unparse(node)
    ]
    return max(imports, default=0), max(included, default=len(text.splitlines()))
