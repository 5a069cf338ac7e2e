"""`gateway init`: writes a first gateway.toml."""

from __future__ import annotations

import ast
import os
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.common import fail, misuse
from gateway.config.files import FILE_NAME

__all__ = ["EPILOG", "TEMPLATE", "init", "settings_in"]

SETTINGS_VARIABLE = "DJANGO_SETTINGS_MODULE"

EPILOG = """\
\b
Examples:
  gateway init                                    beside manage.py
  gateway init --settings mysite.settings.prod
  gateway init --path backend
"""

# A line that starts with "#" without a space is a disabled setting; all other comments are prose.
# tests/cli/test_init.py compares it with gateway/config/parse.py.
TEMPLATE = """\
# What `gateway serve` serves. `gateway check` tells whether it is valid; `gateway explain GET /some/path` tells which
# upstream answers a request, and why. Lines that start with "#" and no space are examples: remove the "#" to use them.

# The Django project. Without any route, everything below it in this file is optional and Django answers
# every request as before.
[legacy]
settings = "{settings}"
# Threads for synchronous views. Each keeps its own database connection: workers × threads must not exceed the
# connections that the database allows.
#threads = 40
# How many requests may wait for a thread, and for how many seconds; others are answered 503. The admin and the paths in
# `reserved`, with everything below, have additional threads.
#queue = 1000
#queue_timeout = 30.0
#reserve = 2
#reserved = ["/health", "/healthz", "/health-check", "/healthcheck", "/livez", "/readyz", "/ht", "/ping"]
# Serve STATIC_URL, including the admin's style sheets, without a web server in front and whatever DEBUG is.
#static = true
# The largest request body in bytes, uploads included; a larger one is answered 413.
#max_body = 1_073_741_824
# With Channels, or anything else that needs the project's own ASGI application: asgi = "mysite.asgi:application".
# For any WSGI application instead, a Flask one for example: wsgi = "mysite.wsgi:application".

# The process as a whole.
#[gateway]
# A response header that names the upstream; false leaves it out.
#served_by = "X-Served-By"
# A request's identifier: accepted from a proxy in front, else generated, and sent to both sides; false leaves it out.
#request_id = "X-Request-ID"
# The path under which a proxy in front serves this site.
#root_path = "/shop"
# One API document of the project and all services, for staff of the admin; "public" for everybody, false for nobody.
#docs = "staff"
#openapi_path = "/openapi.json"
#docs_path = "/docs"
#redoc_path = "/redoc"
# How many bytes of requests' bodies a process holds in memory, all together, and on disk above that.
#body_memory = 67_108_864
#body_disk = 8_589_934_592

# What load balancers and orchestrators ask a process: /-/healthz and /-/readyz; and for staff, /-/version. After
# `max_age` seconds without news from the database, a process isn't ready. `prefix = false`: there is none of these.
#[health]
#prefix = "/-"
#max_age = 60.0
#version = "staff"

# A service is a new application. This one runs in this process: "package.module:attribute" of a FastAPI, Starlette
# or other ASGI application, or of a function that returns one.
#[services.catalog]
#app = "catalog.main:app"
# All of the project's MIDDLEWARE runs around it; "none" for hot public endpoints, or a list of entries.
#middleware = "django"
# Each request keeps one thread throughout, for middleware that leaves state on the database connection.
#one_thread = false
# In a mirror of a write, the service rolls back its own writes outside of Django's connections (SQLAlchemy, a `url`).
#rolls_back = false
# Threads for its synchronous code (default: half of the project's), and how many requests may wait for one; for others
# legacy answers if it may, else they get a 503.
#threads = 20
#queue = 1000
# The deployed version: counts of one version don't apply to the next. Default: GATEWAY_RELEASE in the environment, else
# a hash of the service's code.
#release = "2026-11-30"
# "drf" or "django": errors, formats and headers as those of the project's DRF views or Django views.
#answers = "plain"
# The largest request body, in bytes; a larger one is answered 413.
#max_body = 10_000_000

# Within how many seconds it must start its answer, and how many requests it gets at once.
#timeout = 30.0
#concurrency = 100
# A failing service gets no requests for a while, and legacy answers: when 30 % of 10 requests or more have failed
# within `window` seconds, for `cooldown` seconds, and twice as long each time. `breaker = false` disables this.
#[services.catalog.breaker]
#window = 60.0
#minimum = 10
#failure_rate = 0.3
#cooldown = 5.0
#max_cooldown = 300.0

# This one runs elsewhere.
#[services.pricing]
#url = "http://127.0.0.1:9001"

# A route gives requests to a service; Django gets the requests that no route claims. An exact path takes precedence
# over a template, a template over a prefix, a longer prefix over a shorter one. Services see the whole path.
#[[routes]]
#name = "catalog"
#prefix = "/api/products"
#service = "catalog"
# Default: every method.
#methods = ["GET"]
# "implemented" takes what the service declares and leaves the rest below the prefix to Django; "all" takes everything.
#claim = "implemented"
# Paths that stay with Django.
#exclude = ["/api/products/feed/"]
# Its stage: "legacy" (Django answers), "shadow" (Django answers, and the service's answers are compared), "canary" (the
# service answers `weight` percent of the callers), "live", or "retired" (live, without a way back).
# With "gateway.control" in INSTALLED_APPS, `gateway promote catalog` and `gateway rollback catalog` change it at once.
#stage = "canary"
#weight = 10
# What tells callers apart: "user", "session", "header:X-Tenant", "cookie:tenant", "client" (the address), or "none".
#key = "user"
# Routes of one group take the same callers.
#group = "shop"
# A caller stays on the side that it first wrote to; needs a cookie, see [rollout].
#pin = "first-write"
# Callers who always get the service, at any weight: staff, a group of users, those with a header from `gateway sign`.
#always = ["staff", "group:testers", "signed-header"]
# The weights that `gateway promote` goes through. With `interval`, in seconds, a healthy canary is promoted
# automatically.
#steps = [1, 5, 25, 50, 100]
#interval = 3600
# When legacy answers for the service: it raised, was late, or answered with one of these statuses, before its first
# byte; never on a 404. Only for GET and HEAD, unless `unsafe`. `fallback = false` disables this.
#[routes.fallback]
#statuses = [502, 503, 504]
#unsafe = false
#max_body = 1_048_576
# Percent of the requests that are also sent to the other side, after the caller was answered, to compare the answers.
#[routes.mirror]
#shadow = 100
#canary = 10
#live = 1
#methods = ["GET", "HEAD"]
# Percent of those for which legacy is called twice, to find what always differs.
#control = 1
#max_body = 1_048_576
#timeout = 10.0
# What a mirror may connect to, in addition to the project's databases: ["api.example.com"]; ["*"] means anything.
#hosts = []
# What may differ between the two answers. Places in a body are JSON Pointers, in which * matches any item or key.
#[routes.compare]
#ignore = ["/generated_at"]
#unordered = {{ "/results" = "id" }}
#tolerance = 0.0
# How often a statement may be repeated before it is an N+1, how many more statements than legacy are allowed,
# and severities of your own: "critical", "breaking", "warning" or "note", by kind or by kind and place.
#repeats = 5
#more_statements = 0
#severity = {{ "extra" = "note" }}
#tolerances = {{ "/results/*/score" = 0.01 }}
#classes = {{ "/id" = "uuid" }}
# Headers of your own that are compared too, and headers that are not compared.
#headers = ["X-Total-Count"]
#ignore_headers = ["Cache-Control"]
# Compare the SQL of both sides, without the rows of these tables or columns: "audit_*", "shop_order.seen".
#sql = true
#ignore_rows = ["audit_*"]
# Values that are never stored: those with these names, and those at these places.
#redact_names = ["iban"]
#redact_paths = ["/customer"]
#max_differences = 50
# A difference that is accepted until a day. `expected` and `actual` are optional.
#[[routes.compare.accepted]]
#path = "/results/*/price"
#kind = "type"
#reason = "clients read both"
#owner = "ada"
#expires = 2099-12-31
#expected = "20.00"
#actual = 20
# When the route is rolled back automatically: within `window` seconds, after `minimum` requests on each side, the error
# rate is a point above legacy's, the 95th percentile half as slow again, or less than 99 % of the compared answers have
# no breaking difference. `guard = false` disables this.
#[routes.guard]
#window = 60.0
#minimum = 50
#error_delta = 0.01
#p95_delta = 0.5
#p95_floor = 0.02
#parity = 99.0

# One path, or a path template as in FastAPI.
#[[routes]]
#name = "price"
#path = "/api/prices/{{sku}}"
#service = "pricing"
#claim = "all"

# A hook is told when a route is promoted, rolled back or held, or asked before a promotion, which it may refuse. Hooks
# need "gateway.control" in INSTALLED_APPS; `gateway hooks test pipeline` tries one.
#[hooks.pipeline]
# secret = "whsec_…" signs its requests. URL and secret can be in the environment, too: GATEWAY_HOOK_PIPELINE_URL,
# GATEWAY_HOOK_PIPELINE_SECRET.
#url = "https://ci.example.com/gateway"
# Default: all but "before_promote".
#events = ["promote", "rollback", "hold", "breaking_difference", "breaker_open"]
# Names of routes, or patterns of them.
#routes = ["cat*"]
#timeout = 5.0

# For Slack and those that are compatible: a text. Its URL is a key: GATEWAY_HOOK_CHAT_URL.
#[hooks.chat]
#format = "slack"
#url = "https://hooks.slack.com/services/key"

# A function of the project's: None allows the promotion, a text with a reason refuses it.
#[hooks.freeze]
#call = "mysite.freeze:no_change_on_fridays"
#events = ["before_promote"]
# What becomes of a promotion if it does not answer: "refuse" or "allow".
#on_error = "refuse"

# Settings of all routes. A cookie keeps anonymous visitors on their side; without one, their session or their address
# does.
#[rollout]
#cookie = "gateway"
#cookie_age = 15_552_000
# The request header that `gateway sign` makes.
#header = "X-Gateway-Upstream"
# Seconds between two looks at the database for a changed stage, and between two writes of counts.
#poll = 0.25
#flush = 1.0

# Limits for mirrors in one process: how many wait, with how many bytes, how many run at once, for how many seconds they
# are collected, and how many seconds the event loop may be late before they are dropped.
#[mirror]
#queue = 100
#memory = 33_554_432
#concurrency = 2
#delay = 0.05
#lag = 0.05
# The caches (aliases of CACHES) that mirrors may read, since they hold state rather than answers; others are empty for
# mirrors.
#readable_caches = []
# The database (an alias of DATABASES) that mirrors of writes use instead of "default": a copy of it. SQLite needs
# one, or a table of several: {{ default = "scratch", logs = "scratch_logs" }}.
#database = "scratch"
# Seconds that a mirror waits for a lock in a database, and that one of its statements may take there.
#lock_timeout = 0.1
#statement_timeout = 1.0
# Whether `gateway serve` starts a process that makes all mirrors. Default: only if a route mirrors writes.
#process = false
# Where `gateway mirrors` listens, a process that you start and that makes the mirrors of all servers.
#socket = "run/mirrors.sock"
"""


def init(
    settings: Annotated[
        str | None,
        typer.Option(metavar="MODULE", help="Django's settings module. [default: the one in manage.py]"),
    ] = None,
    path: Annotated[
        Path,
        typer.Option(metavar="DIR", file_okay=False, exists=True, help="The project's folder, where manage.py is."),
    ] = Path(),
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Overwrite an existing gateway.toml; write one even if the project's versions are too old.",
        ),
    ] = False,
) -> None:
    """Write a commented gateway.toml for a Django project."""
    target = path / FILE_NAME
    if not force:
        _refuse_existing(target)
    module = settings or settings_in(path / "manage.py") or os.environ.get(SETTINGS_VARIABLE)
    if not module:
        misuse(_no_settings(path))
    if not all(part.isidentifier() for part in module.split(".")):
        raise typer.BadParameter(f'{module!r} is no module name such as "mysite.settings"', param_hint="--settings")
    _tell_versions(path, force=force)
    target.write_text(TEMPLATE.format(settings=module), "utf-8")
    typer.echo(f'Wrote {target}: the Django project with settings "{module}" answers every request.\n')
    folder = "" if path.resolve() == Path.cwd() else f" --config {target}"
    typer.echo("Next:")
    typer.echo(f"  gateway check{folder}    see whether it holds")
    typer.echo(f"  gateway serve{folder}    serve it on http://127.0.0.1:8000")


def settings_in(manage: Path) -> str | None:
    """The settings module that a manage.py sets, read without running it; None when the file doesn't exist."""
    try:
        tree = ast.parse(manage.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="setdefault"),
                args=[ast.Constant(value=str(name)), ast.Constant(value=str(module))],
            ) if name == SETTINGS_VARIABLE:
                return module
            case ast.Assign(
                targets=[ast.Subscript(slice=ast.Constant(value=str(name)))], value=ast.Constant(value=str(module))
            ) if name == SETTINGS_VARIABLE:
                return module
    return None


def _refuse_existing(target: Path) -> None:
    if target.exists():
        misuse(f"{target} is there already; --force overwrites it")
    try:
        project = tomllib.loads((target.parent / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return
    if "gateway" in project.get("tool", {}):
        misuse(f"pyproject.toml has a [tool.gateway] table, which {target} would hide; --force writes it all the same")


def _tell_versions(path: Path, *, force: bool) -> None:
    """Print the versions that the project would have to change to run with the gateway; unless `force`, exit then."""
    from gateway.cli.requirements import NAMES, at_least, too_old

    if not (found := too_old(path)):
        return
    needed = ", ".join(f"{NAMES[name]} {version}" for name, version in at_least().items())
    lines = [
        f"The gateway needs {needed} or later. This project asks for less, and would have to change:",
        *(f"  - {demand}" for demand in found),
        "Bring it to these versions first: https://docs.djangoproject.com/en/stable/howto/upgrade-version/",
    ]
    if not force:
        fail("\n".join([*lines, "Nothing was written; --force writes gateway.toml all the same."]))
    typer.echo("\n".join(lines) + "\n", err=True)


def _no_settings(path: Path) -> str:
    elsewhere = sorted(path.glob("*/manage.py"))
    hint = f" There is {elsewhere[0]}: --path {elsewhere[0].parent} uses it." if elsewhere else ""
    return (
        f"no settings module: {path / 'manage.py'} names none and {SETTINGS_VARIABLE} is not set. "
        f"Give it, as in --settings mysite.settings.{hint}"
    )
