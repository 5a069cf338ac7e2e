"""`gateway.toml` as frozen, validated models.

Every section is validated by itself, so that one mistake does not hide the others: `parse` returns what
is valid together with every problem found. `load` is for callers that want all of it or an exception.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

__all__ = [
    "Config",
    "ConfigError",
    "GatewaySettings",
    "LegacyConfig",
    "Problem",
    "RouteConfig",
    "ServiceConfig",
    "find",
    "find_or_fail",
    "load",
    "parse",
    "read",
]

ENVIRONMENT = "GATEWAY_CONFIG"
FILE_NAME = "gateway.toml"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "WEBSOCKET")

ImportString = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
IMPORT_STRING = '"package.module:attribute", as uvicorn takes it'
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", description='a header name such as "X-Name"')]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a configuration: where, what stands there, what was expected."""

    key: str
    value: object
    expected: str

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {self.value!r}"
        return f"{self.key}{shown}: {self.expected}"


class ConfigError(Exception):
    """A configuration that can't be used. `problems` has all of them."""

    def __init__(self, problems: list[Problem], source: str = "the configuration") -> None:
        self.problems = problems
        self.source = source
        lines = "\n".join(f"  - {problem}" for problem in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{source}: {count}\n{lines}")


class Section(BaseModel):
    """A table of the file. Unknown keys are problems, since a misspelt one would silently do nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class GatewaySettings(Section):
    """`[gateway]`: what concerns the process as a whole."""

    served_by: HeaderName | Literal[False] = Field(
        "X-Served-By", description="response header that names the upstream, or false"
    )
    request_id: HeaderName | Literal[False] = Field(
        "X-Request-ID", description="request and response header that names the request, or false"
    )
    root_path: str = Field(
        "", pattern=r"^(/[^/?#]+)*$", description='the path a proxy serves this site under, such as "/shop"'
    )


class LegacyConfig(Section):
    """`[legacy]`: the Django project."""

    settings: str | None = Field(
        None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$",
        description='the settings module, such as "mysite.settings"; default: DJANGO_SETTINGS_MODULE',
    )
    threads: int = Field(40, ge=1, le=1000, description="threads for synchronous views, 1 to 1000")
    static: bool = Field(True, description="serve STATIC_URL unless the project does so itself")
    asgi: ImportString | None = Field(None, description=IMPORT_STRING)
    wsgi: ImportString | None = Field(None, description=IMPORT_STRING)

    @model_validator(mode="after")
    def _one_application(self) -> LegacyConfig:
        if self.asgi and self.wsgi:
            raise ValueError("either asgi or wsgi, not both")
        return self


class ServiceConfig(Section):
    """`[services.NAME]`: a FastAPI or other ASGI application in this process, or an HTTP server elsewhere."""

    app: ImportString | None = Field(None, description=IMPORT_STRING)
    url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$",
        description='"http://host:port", with a path if it has one',
    )
    middleware: Literal["django", "none"] | tuple[str, ...] = Field(
        "django",
        description='"django": all of the project\'s MIDDLEWARE runs around this service (default); "none"; or a list '
        "of entries",
    )
    answers: Literal["plain", "drf", "django"] = Field(
        "plain",
        description='"plain": as FastAPI answers; "drf": as the project\'s Django REST framework; "django": as Django '
        "itself",
    )
    one_thread: bool = Field(
        False, description="each request keeps one thread, for middleware that leaves state on the connection"
    )
    timeout: float = Field(30.0, gt=0, description="seconds until a service at `url` has to start its answer")
    max_body: int | None = Field(
        None, ge=0, description="the largest request body in bytes; a larger one is answered 413"
    )

    @field_validator("middleware", mode="before")
    @classmethod
    def _entries(cls, value: object) -> object:
        if isinstance(value, list):
            if any(not isinstance(entry, str) for entry in value):
                raise ValueError("a list of entries of settings.MIDDLEWARE")
            return tuple(value)
        return value

    @field_validator("timeout", mode="before")
    @classmethod
    def _whole_seconds(cls, value: object) -> object:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _one_place(self) -> ServiceConfig:
        if (self.app is None) == (self.url is None):
            raise ValueError('exactly one of app = "package.module:attribute" and url = "http://host:port"')
        if self.url is not None and "middleware" in self.model_fields_set:
            raise ValueError("middleware goes with app; a service at url runs its own")
        if self.answers != "plain" and (self.url is not None or self.middleware == "none"):
            raise ValueError(f'answers = "{self.answers}" goes with app and middleware = "django" (or a list)')
        return self


class RouteConfig(Section):
    """`[[routes]]`: a rule that claims requests for a service."""

    name: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*$", description="letters, digits, dot, dash and underscore")
    prefix: str | None = Field(None, description='a path such as "/api/products", and everything below it')
    path: str | None = Field(None, description='one path, or a template such as "/api/products/{id}/"')
    methods: tuple[str, ...] | None = Field(None, description='such as ["GET", "POST"]; default: every method')
    service: str
    claim: Literal["implemented", "all"] = "implemented"
    stage: Literal["legacy", "live"] = "live"

    @field_validator("methods", mode="before")
    @classmethod
    def _known_methods(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        methods = tuple(method.upper() if isinstance(method, str) else method for method in value)
        if not methods or any(method not in METHODS for method in methods):
            raise ValueError(f"a list of some of {', '.join(METHODS)}")
        return methods

    @field_validator("prefix", "path")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None and (not value.startswith("/") or re.search(r"[?#\s]|//|/\.{1,2}(/|$)", value)):
            raise ValueError("a path that starts with /, without //, . or .. segments, query or spaces")
        return value

    @field_validator("prefix")
    @classmethod
    def _plain_prefix(cls, value: str | None) -> str | None:
        if value is not None and re.search(r"[{}<>*]", value):
            raise ValueError('a plain prefix; for a template write path = "…/{name}/"')
        return value.rstrip("/") or "/" if value is not None else None

    @field_validator("path")
    @classmethod
    def _template(cls, value: str | None) -> str | None:
        if value is not None and "<" in value:
            raise ValueError('a template with {name} or {name:int}, as FastAPI writes it, not Django\'s "<int:name>"')
        return value

    @model_validator(mode="after")
    def _one_pattern(self) -> RouteConfig:
        if (self.prefix is None) == (self.path is None):
            raise ValueError('exactly one of prefix = "/…" and path = "/…"')
        return self


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration. `source` says where it came from, for messages."""

    gateway: GatewaySettings
    legacy: LegacyConfig
    services: Mapping[str, ServiceConfig]
    routes: tuple[RouteConfig, ...]
    source: str = "the configuration"


def find(start: Path | None = None) -> Path | None:
    """The file to use: `GATEWAY_CONFIG`, else gateway.toml, else pyproject.toml with [tool.gateway]."""
    if named := os.environ.get(ENVIRONMENT):
        return Path(named)
    folder = start or Path.cwd()
    if (folder / FILE_NAME).is_file():
        return folder / FILE_NAME
    project = folder / "pyproject.toml"
    if project.is_file():
        try:
            if "gateway" in tomllib.loads(project.read_text("utf-8")).get("tool", {}):
                return project
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            return None
    return None


def read(path: Path) -> dict[str, Any]:
    """The raw tables of a file. Raises ConfigError when there is no such file or it isn't TOML."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise ConfigError([Problem(str(path), None, f"can't be read: {exc.strerror}")], str(path)) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError([Problem(str(path), None, f"isn't valid TOML: {exc}")], str(path)) from exc
    if path.name == "pyproject.toml":
        tools = document.get("tool")
        table = tools.get("gateway") if isinstance(tools, dict) else None
        if table is None:
            raise ConfigError([Problem("tool.gateway", None, "missing; add a [tool.gateway] table")], str(path))
        if not isinstance(table, dict):
            raise ConfigError([Problem("tool.gateway", table, "a table")], str(path))
        return table
    return document


def find_or_fail(start: Path | None = None) -> Path:
    """As `find`, but raises ConfigError where there is no file."""
    path = find(start)
    if path is None:
        expected = "not found here; `gateway init` writes one, --config or GATEWAY_CONFIG names another"
        raise ConfigError([Problem(FILE_NAME, None, expected)])
    return path


def load(path: Path | None = None) -> Config:
    """The configuration in `path` (default: the one `find` finds). Raises ConfigError with every problem."""
    path = path or find_or_fail()
    config, problems = parse(read(path), str(path))
    if problems:
        raise ConfigError(problems, str(path))
    return config


SectionT = TypeVar("SectionT", bound=Section)


def parse(document: Mapping[str, Any], source: str = "the configuration") -> tuple[Config, list[Problem]]:
    """What is valid in `document`, and everything that is not."""
    problems: list[Problem] = []
    known = ("gateway", "legacy", "services", "routes")
    problems += [
        Problem(key, None, f"unknown table; known are {', '.join(known)}") for key in document if key not in known
    ]
    if "legacy" not in document:
        problems.append(Problem("legacy", None, 'missing; write [legacy] and settings = "mysite.settings"'))
    gateway = _section(GatewaySettings, document.get("gateway", {}), "gateway", problems)
    legacy = _section(LegacyConfig, document.get("legacy", {}), "legacy", problems)
    services = _services(document.get("services", {}), problems)
    routes = _routes(document.get("routes", []), document.get("services", {}), problems)
    config = Config(
        gateway or GatewaySettings.model_validate({}),
        legacy or LegacyConfig.model_validate({}),
        services,
        routes,
        source,
    )
    return config, problems


def _services(tables: object, problems: list[Problem]) -> dict[str, ServiceConfig]:
    if not isinstance(tables, dict):
        problems.append(Problem("services", tables, "a table for each service: [services.NAME]"))
        return {}
    services = {}
    for name, table in tables.items():
        if name == "legacy" or not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
            problems.append(
                Problem(f"services.{name}", None, 'a name of letters, digits, - and _, other than "legacy"')
            )
        elif (service := _section(ServiceConfig, table, f"services.{name}", problems)) is not None:
            services[name] = service
    return services


def _routes(tables: object, services: object, problems: list[Problem]) -> tuple[RouteConfig, ...]:
    if not isinstance(tables, list):
        problems.append(Problem("routes", tables, "a list of tables: [[routes]]"))
        return ()
    routes: dict[str, RouteConfig] = {}
    for index, table in enumerate(tables):
        name = table.get("name", index) if isinstance(table, dict) else index
        route = _section(RouteConfig, table, f"routes[{name}]", problems)
        if route is None:
            continue
        if route.name in routes:
            problems.append(Problem(f"routes[{name}].name", route.name, "a name of its own; another route has it"))
        elif not isinstance(services, dict) or route.service not in services:
            names = ", ".join(services) if isinstance(services, dict) and services else "none is declared"
            problems.append(Problem(f"routes[{name}].service", route.service, f"a declared service ({names})"))
        else:
            routes[route.name] = route
    return tuple(routes.values())


def _section(model: type[SectionT], table: object, key: str, problems: list[Problem]) -> SectionT | None:
    if not isinstance(table, dict):
        problems.append(Problem(key, table, "a table"))
        return None
    try:
        return model.model_validate(table)
    except ValidationError as exc:
        problems += {str(problem): problem for problem in (_problem(model, key, e) for e in exc.errors())}.values()
        return None


def _problem(model: type[Section], key: str, error: Any) -> Problem:
    """One of pydantic's errors in our words: the dotted key, the value, the expected shape."""
    location = [part for part in error["loc"] if isinstance(part, str) and part in model.model_fields]
    if error["type"] == "extra_forbidden":
        name = ".".join(map(str, error["loc"]))
        return Problem(f"{key}.{name}", error["input"], f"unknown key; known are {', '.join(model.model_fields)}")
    if not location:
        return Problem(key, None, error["msg"].removeprefix("Value error, "))
    path = f"{key}.{location[0]}"
    if error["type"] == "missing":
        return Problem(path, None, "missing")
    if error["type"] == "value_error":
        return Problem(path, error["input"], error["msg"].removeprefix("Value error, "))
    return Problem(path, error["input"], _expected(model, location[0], error))


def _expected(model: type[Section], name: str, error: Any) -> str:
    described = model.model_fields[name].description
    kind: str = error["msg"][0].lower() + error["msg"][1:]
    if described and (error["type"] == "string_pattern_mismatch" or "literal" in error["type"]):
        return described
    return f"{kind} ({described})" if described else kind
