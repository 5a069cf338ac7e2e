"""`gateway.toml` as frozen, validated models.

Every section is validated by itself, so that one mistake does not hide the others: `parse` returns what
is valid together with every problem found. `load` is for callers that want all of it or an exception.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gateway.parity.config import CompareConfig
from gateway.parity.config import problem as compare_problem
from gateway.rollout.guard_config import GuardConfig
from gateway.rollout.health import BreakerSettings

__all__ = [
    "BreakerConfig",
    "Config",
    "ConfigError",
    "FallbackConfig",
    "GatewaySettings",
    "LegacyConfig",
    "MirrorConfig",
    "MirrorSettings",
    "Problem",
    "RolloutSettings",
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
LONGEST_SOCKET = 103  # bytes: what every system takes for the path of a socket (unix(7))
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


Seconds = Annotated[float, Field(gt=0, description="seconds, more than 0")]
Percent = Annotated[float, Field(ge=0, le=100, description="a percentage, 0 to 100")]
KEY = re.compile(r"user|session|client|none|header:[A-Za-z][A-Za-z0-9-]*|cookie:[!#$%&'*+.^_`|~0-9A-Za-z-]+")
ALWAYS = re.compile(r"staff|signed-header|group:.+")
SAFE = ("GET", "HEAD")
BREAKER = BreakerSettings()
_indices = re.compile(r"\[.*?\]")


class Section(BaseModel):
    """A table of the file. Unknown keys are problems, since a misspelt one would silently do nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _lists_are_tuples(cls, value: object) -> object:
        """TOML has lists only; a frozen model has tuples."""
        return tuple(value) if isinstance(value, list) else value


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


class BreakerConfig(Section):
    """`[services.NAME.breaker]`: after how many failures a service is left alone, and for how long. Its defaults are
    `BreakerSettings`'s."""

    window: Seconds = Field(BREAKER.window, description="seconds that are looked back")
    minimum: int = Field(BREAKER.minimum, ge=1, description="requests in the window before it can open, 1 or more")
    failure_rate: float = Field(
        BREAKER.failure_rate, gt=0, le=1, description="the share of failures that opens it, above 0, at most 1"
    )
    cooldown: Seconds = Field(BREAKER.cooldown, description="seconds of rest; twice as long each time it opens again")
    longest: Seconds = Field(BREAKER.longest, description="the longest rest in seconds")

    @model_validator(mode="after")
    def _cooldown_fits(self) -> BreakerConfig:
        if self.cooldown > self.longest:
            raise ValueError(f"cooldown {self.cooldown:g} is longer than longest, {self.longest:g}")
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
    timeout: Seconds = Field(30.0, description="seconds until the service has to start its answer")
    concurrency: int | None = Field(None, ge=1, description="how many requests it answers at once, 1 or more")
    breaker: BreakerConfig | Literal[False] = Field(
        BreakerConfig(),
        description="when the service is left alone for a while: a table [services.NAME.breaker], or false",
    )
    max_body: int | None = Field(
        None, ge=0, description="the largest request body in bytes; a larger one is answered 413"
    )

    @field_validator("middleware", mode="before")
    @classmethod
    def _entries(cls, value: object) -> object:
        if isinstance(value, (list, tuple)) and any(not isinstance(entry, str) for entry in value):
            raise ValueError("a list of entries of settings.MIDDLEWARE")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> ServiceConfig:
        if (self.app is None) == (self.url is None):
            raise ValueError('exactly one of app = "package.module:attribute" and url = "http://host:port"')
        if self.url is not None and "middleware" in self.model_fields_set:
            raise ValueError("middleware goes with app; a service at url runs its own")
        if self.answers != "plain" and (self.url is not None or self.middleware == "none"):
            raise ValueError(f'answers = "{self.answers}" goes with app and middleware = "django" (or a list)')
        return self


class RolloutSettings(Section):
    """`[rollout]`: what all routes have in common on their way."""

    cookie: str | Literal[False] = Field(
        False,
        pattern=r"^[A-Za-z][\w-]*$",
        description='the name of a cookie that keeps visitors on their side, such as "gateway", or false for none',
    )
    cookie_age: int = Field(180 * 24 * 3600, ge=1, description="how many seconds a browser keeps the cookie")
    header: HeaderName = Field(
        "X-Gateway-Upstream", description="the request header with a side that `gateway sign` has signed"
    )
    poll: Seconds = Field(0.25, description="seconds between two looks at the database for changes")
    flush: Seconds = Field(1.0, description="seconds between two writes of what was counted")


class MirrorSettings(Section):
    """`[mirror]`: how much of this process mirrors may take."""

    queue: int = Field(100, ge=1, description="mirrors that may wait, 1 or more")
    concurrency: int = Field(2, ge=1, description="mirrors that run at once, 1 or more")
    delay: Seconds = Field(0.05, description="seconds that mirrors are gathered before they are sent")
    memory: int = Field(32 * 2**20, ge=0, description="bytes of requests and answers that may wait")
    lag: Seconds = Field(0.05, description="seconds the event loop may be late before mirrors are dropped")
    socket: str | None = Field(None, min_length=1, description="the path of a Unix socket")


class MirrorConfig(Section):
    """`[routes.mirror]`: which requests of a route are sent to the other upstream too, and compared."""

    shadow: Percent = Field(100.0, description="percent of the requests at stage shadow")
    canary: Percent = Field(0.0, description="percent of the requests at stage canary, both ways")
    live: Percent = Field(0.0, description="percent of the requests at stage live, to legacy")
    methods: tuple[str, ...] = Field(SAFE, description='the methods that may be asked twice; default: ["GET", "HEAD"]')
    control: Percent = Field(1.0, description="percent of the mirrored GETs for which legacy is asked twice")
    max_body: int = Field(2**20, ge=0, description="bytes; a request or an answer that is larger is not compared")
    timeout: Seconds = Field(10.0, description="seconds that a mirror may take")

    @field_validator("methods")
    @classmethod
    def _known_methods(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _methods(value, [method for method in METHODS if method != "WEBSOCKET"])


class FallbackConfig(Section):
    """`[routes.fallback]`: when legacy answers for a service that has failed."""

    statuses: tuple[Annotated[int, Field(ge=500, le=599)], ...] = Field(
        (502, 503, 504), description="statuses, 500 to 599, that count as no answer"
    )
    unsafe: bool = Field(
        False, description="other methods than GET and HEAD too, where the endpoint is marked with all_in_transaction"
    )
    max_body: int = Field(2**20, ge=0, description="bytes of a request's body that are kept to be sent again")


class RouteConfig(Section):
    """`[[routes]]`: a rule that claims requests for a service, and how far its rollout is."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][\w.-]{0,199}$", description="letters, digits, dot, dash and underscore, at most 200"
    )
    prefix: str | None = Field(None, description='a path such as "/api/products", and everything below it')
    path: str | None = Field(None, description='one path, or a template such as "/api/products/{id}/"')
    methods: tuple[str, ...] | None = Field(None, description='such as ["GET", "POST"]; default: every method')
    service: str
    claim: Literal["implemented", "all"] = "implemented"
    stage: Literal["legacy", "shadow", "canary", "live", "retired"] = "live"
    weight: Percent | None = Field(None, description="percent of cohorts that the service answers at stage canary")
    key: str = Field("user", description="what tells callers apart: user, session, header:X, cookie:X, client or none")
    group: str | None = Field(None, min_length=1, description="routes with the same group take the same callers")
    pin: Literal["first-write"] | None = Field(
        None, description='"first-write": a caller stays on the side that it first wrote to'
    )
    always: tuple[str, ...] = Field((), description='who is always in: "staff", "group:NAME", "signed-header"')
    steps: tuple[Percent, ...] = Field((1.0, 5.0, 25.0, 50.0, 100.0), description="the weights of a canary, rising")
    interval: Seconds | None = Field(
        None, description="seconds after which a healthy canary takes its next step by itself; default: never"
    )
    fallback: FallbackConfig | Literal[False] = Field(
        FallbackConfig(), description="a table [routes.fallback], or false: legacy never answers for the service"
    )
    mirror: MirrorConfig = MirrorConfig()
    compare: CompareConfig = CompareConfig()
    guard: GuardConfig | Literal[False] = Field(
        GuardConfig(), description="when it is rolled back by itself: a table [routes.guard], or false for never"
    )

    @field_validator("methods", mode="before")
    @classmethod
    def _known_methods(cls, value: object) -> object:
        return _methods(value, METHODS) if isinstance(value, (list, tuple)) else value

    @field_validator("key")
    @classmethod
    def _known_key(cls, value: str) -> str:
        if not KEY.fullmatch(value):
            raise ValueError("one of user, session, header:NAME, cookie:NAME, client and none")
        return value

    @field_validator("always")
    @classmethod
    def _known_rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not ALWAYS.fullmatch(rule) for rule in value):
            raise ValueError('a list of some of "staff", "group:NAME" and "signed-header"')
        return value

    @field_validator("steps")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or value[0] <= 0 or any(later <= earlier for earlier, later in pairwise(value)):
            raise ValueError("a list of rising percentages above 0, such as [1, 5, 25, 50, 100]")
        return value

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
        if self.weight is not None and self.stage != "canary":
            raise ValueError(f'weight goes with stage = "canary", not {self.stage!r}')
        if self.pin and self.key == "none":
            raise ValueError('pin goes with a key that tells callers apart, not with key = "none"')
        return self


def _methods(value: Iterable[object], known: Sequence[str]) -> tuple[str, ...]:
    methods = tuple(method.upper() if isinstance(method, str) else "" for method in value)
    if not methods or any(method not in known for method in methods):
        raise ValueError(f"a list of some of {', '.join(known)}")
    return methods


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration. `source` says where it came from, for messages."""

    gateway: GatewaySettings
    legacy: LegacyConfig
    services: Mapping[str, ServiceConfig]
    routes: tuple[RouteConfig, ...]
    source: str = "the configuration"
    rollout: RolloutSettings = field(default_factory=RolloutSettings)
    mirror: MirrorSettings = field(default_factory=MirrorSettings)

    @property
    def mirror_socket(self) -> Path | None:
        """Where the process listens that mirrors for those that serve; None where each mirrors for itself."""
        socket = self.mirror.socket
        return None if socket is None else Path(self.source).resolve().parent / socket


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
    known = ("gateway", "legacy", "services", "routes", "rollout", "mirror")
    problems += [
        Problem(key, None, f"unknown table; known are {', '.join(known)}") for key in document if key not in known
    ]
    if "legacy" not in document:
        problems.append(Problem("legacy", None, 'missing; write [legacy] and settings = "mysite.settings"'))
    gateway = _section(GatewaySettings, document.get("gateway", {}), "gateway", problems)
    legacy = _section(LegacyConfig, document.get("legacy", {}), "legacy", problems)
    services = _services(document.get("services", {}), problems)
    routes = _routes(document.get("routes", []), document.get("services", {}), problems)
    rollout = _section(RolloutSettings, document.get("rollout", {}), "rollout", problems) or RolloutSettings()
    mirror = _section(MirrorSettings, document.get("mirror", {}), "mirror", problems) or MirrorSettings()
    config = Config(
        gateway or GatewaySettings.model_validate({}),
        legacy or LegacyConfig.model_validate({}),
        services,
        routes,
        source,
        rollout,
        mirror,
    )
    problems += _across(config)
    return config, problems


def _across(config: Config) -> list[Problem]:
    """What is wrong between tables."""
    problems = []
    socket = config.mirror_socket
    if socket is not None and len(os.fsencode(socket)) > LONGEST_SOCKET:
        expected = f"a path of {LONGEST_SOCKET} bytes at most, with the folder that it is relative to"
        problems.append(Problem("mirror.socket", str(socket), expected))
    groups: dict[str, RouteConfig] = {}
    for route in config.routes:
        if route.pin and not config.rollout.cookie:
            expected = 'a cookie to keep it in: write [rollout] and cookie = "gateway"'
            problems.append(Problem(f"routes[{route.name}].pin", route.pin, expected))
        first = groups.setdefault(route.group or route.name, route)
        if first.key != route.key:
            expected = f"{first.key!r}, as route {first.name!r} of the same group, or they would not flip together"
            problems.append(Problem(f"routes[{route.name}].key", route.key, expected))
    return problems


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
        errors = [error for error in exc.errors() if not _about_other_shape(error)]
        problems += {str(problem): problem for problem in (_problem(model, key, e) for e in errors)}.values()
        return None


def _about_other_shape(error: Any) -> bool:
    """Of a table where `false` could stand, pydantic also says that it isn't false."""
    return error["type"] == "literal_error" and isinstance(error["input"], dict)


def _problem(model: type[BaseModel], key: str, error: Any) -> Problem:
    """One of pydantic's errors in our words: the dotted key, the value, the expected shape."""
    if error["loc"][:1] == ("compare",) and len(error["loc"]) > 1:
        return Problem(*compare_problem(f"{key}.compare", {**error, "loc": error["loc"][1:]}))
    path, section, name = _located(model, key, error["loc"])
    if error["type"] == "extra_forbidden":
        expected = f"unknown key; known are {', '.join(section.model_fields)}"
        return Problem(f"{path}.{error['loc'][-1]}", error["input"], expected)
    if name is None and path != key and error["type"] != "value_error":
        return Problem(path, error["input"], f"a table: [{_indices.sub('', path)}]")
    if name is None:
        return Problem(path, None, error["msg"].removeprefix("Value error, "))
    if error["type"] == "missing":
        return Problem(path, None, "missing")
    if error["type"] == "value_error":
        return Problem(path, error["input"], error["msg"].removeprefix("Value error, "))
    return Problem(path, error["input"], _expected(section, name, error))


def _located(model: type[BaseModel], key: str, location: Iterable[object]) -> tuple[str, type[BaseModel], str | None]:
    """The dotted key that `location` leads to from `key`, the section it is in, and its name there, if it has one."""
    name: str | None = None
    for part in location:
        inner = _nested(model, name) if name is not None else None
        section = inner or model
        if not isinstance(part, str) or part not in section.model_fields:
            continue  # an index, the branch of a union, an unknown key
        model, key, name = section, f"{key}.{part}", part
    if name is not None and (inner := _nested(model, name)) is not None:
        return key, inner, None  # the table as a whole, or an unknown key in it
    return key, model, name


def _nested(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The section that the key `name` of `model` may hold."""
    annotation = model.model_fields[name].annotation
    candidates = (annotation, *get_args(annotation))
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _expected(model: type[BaseModel], name: str, error: Any) -> str:
    described = model.model_fields[name].description
    kind: str = error["msg"][0].lower() + error["msg"][1:]
    if described and (error["type"] == "string_pattern_mismatch" or "literal" in error["type"]):
        return described
    return f"{kind} ({described})" if described else kind
