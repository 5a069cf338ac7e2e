"""Imports and compiles everything that a configuration names."""

from __future__ import annotations

import asyncio
import hmac
import inspect
import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from gateway.clock import Clock
from gateway.compile import compile_snapshot
from gateway.composition.legacy import build_legacy
from gateway.composition.services import build_services
from gateway.config.parse import Config
from gateway.config.problems import ConfigError, Problem, unreported
from gateway.config.rollout import RolloutSettings
from gateway.config.services import BreakerSettings, ServiceConfig
from gateway.dispatch.bodies import Bodies
from gateway.randomness import Randomness
from gateway.rollout.affinity import Signer
from gateway.rollout.breaker import CircuitBreaker
from gateway.rollout.policy import AffinitySettings
from gateway.snapshot import Snapshot
from gateway.upstreams.base import Legacy, Service

if TYPE_CHECKING:
    from gateway.control.serving import Served
    from gateway.control.worker import Control


__all__ = [
    "apart_from_any_loop",
    "breaker_of",
    "build",
    "build_control",
    "compile_for",
    "prepare_for_mirrors",
    "redaction_key",
    "site_of",
]

logger = logging.getLogger("gateway")
T = TypeVar("T")


def prepare_for_mirrors(config: Config) -> list[str]:
    """Shield what callers share from mirrors. Returns, and logs, what can't be shielded: then nothing is mirrored."""
    from gateway.context.sql_recorder import record_sql
    from gateway.mirroring.throttles import let_mirrors_pass
    from gateway.shield import keep_sides_apart, shield, unshielded

    record_sql()
    let_mirrors_pass()
    keep_sides_apart()
    shield(readable=config.mirror.readable_caches, divert=bool(config.mirror.database))
    found = unshielded()
    for what in found:
        logger.warning("nothing is mirrored: what callers share can't be kept from mirrors where %s", what)
    return found


def breaker_of(name: str, config: ServiceConfig) -> CircuitBreaker:
    """The circuit breaker of service `name`."""
    settings = BreakerSettings(**config.breaker.model_dump()) if config.breaker else None
    breaker = CircuitBreaker(name, config.concurrency, settings)
    breaker.tell = logger.warning
    return breaker


def redaction_key(legacy: Legacy, randomness: Randomness) -> bytes:
    """The key with which values are hashed before they are stored: equal in all workers if the project has a secret."""
    secrets = [secret.encode() if isinstance(secret, str) else secret for secret in legacy.secrets]
    return hmac.digest(secrets[0] if secrets else randomness.key(), b"gateway.parity", "sha256")


def site_of(config: RolloutSettings, legacy: Legacy) -> AffinitySettings:
    """The affinity settings that all routes share."""
    cookie = config.cookie.encode() if config.cookie else b""
    return AffinitySettings(Signer(legacy.secrets), cookie, config.header.lower().encode(), legacy.session_cookie)


def _unsigned(config: Config, site: AffinitySettings) -> list[Problem]:
    """Settings that need a signature although there is no secret to sign with."""
    if site.signer.able:
        return []
    expected = "nothing here: without a Django project there is no SECRET_KEY to sign with"
    problems = [Problem("rollout.cookie", config.rollout.cookie, expected)] if config.rollout.cookie else []
    signed = [route for route in config.routes if "signed-header" in route.always]
    return problems + [Problem(f"routes[{route.name}].always", "signed-header", expected) for route in signed]


def _unfit_databases(config: Config) -> list[Problem]:
    """Problems of databases that prevent mirroring of writes."""
    if not config.routes or config.legacy.wsgi is not None:
        return []
    from gateway.shield import scratch_problems

    return scratch_problems(config)


def _unfit_hooks(config: Config) -> list[Problem]:
    """Functions that are no hooks, and hooks that nothing calls."""
    from django.apps import apps

    from gateway.upstreams.importing import ImportStringError, import_from_string

    found = []
    for hook in config.hooks:
        try:
            function = import_from_string(hook.call) if hook.call is not None else len
        except ImportStringError as exc:
            found.append(Problem(f"hooks.{hook.name}.call", hook.call, f"a function that can be imported: {exc}"))
            continue
        if not callable(function) or inspect.iscoroutinefunction(function):
            expected = "a plain function (def, not async def) that takes an event"
            found.append(Problem(f"hooks.{hook.name}.call", hook.call, expected))
    if config.hooks and not (apps.ready and apps.is_installed("gateway.control")):
        expected = 'nothing here, or "gateway.control" in INSTALLED_APPS: it keeps what hooks are told'
        found.append(Problem("hooks", None, expected))
    return found


def apart_from_any_loop(build: Callable[[], T]) -> T:
    """`build()`, on a separate thread when an event loop runs here: `django.setup()` may use the ORM, which Django
    refuses under a running loop (uvicorn imports its application in one)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return build()
    result: list[T] = []
    error: list[BaseException] = []

    def target() -> None:
        try:
            result.append(build())
        except BaseException as exc:  # noqa: BLE001 - raised again below
            error.append(exc)

    thread = threading.Thread(target=target, name="gateway-build")
    thread.start()
    thread.join()
    if error:
        raise error[0]
    return result[0]


def compile_for(
    config: Config, services: Mapping[str, Service], legacy: Legacy, site: AffinitySettings
) -> tuple[Snapshot, list[Problem]]:
    """The snapshot of `config`, and the problems of its routes."""
    endpoints = {name: service.endpoints() for name, service in services.items()}
    return compile_snapshot(config, endpoints, known=legacy.knows, others=legacy.contest, site=site)


def build(
    config: Config, problems: list[Problem], bodies: Bodies, clock: Clock
) -> tuple[Legacy, Mapping[str, Service], Snapshot]:
    """Import and compile everything that the configuration names. Raises ConfigError."""
    found: list[Problem] = []
    legacy = build_legacy(config.legacy, found, bodies, clock)
    services = build_services(config.services, legacy, found, {problem.key for problem in problems})
    if legacy is None:
        _, more = compile_snapshot(config, {name: service.endpoints() for name, service in services.items()})
        raise ConfigError(problems + unreported(found + more, problems), config.source)
    site = site_of(config.rollout, legacy)
    snapshot, more = compile_for(config, services, legacy, site)
    more += _unsigned(config, site)
    more += _unfit_databases(config)
    more += _unfit_hooks(config)
    if problems or found or more:
        raise ConfigError(problems + unreported(found + more, problems), config.source)
    return legacy, services, snapshot


def build_control(gateway: Served) -> Control | None:
    """Synchronizes `gateway` with the database; None unless the project has "gateway.control" installed."""
    from django.apps import apps

    if not (apps.ready and apps.is_installed("gateway.control")):
        return None
    from gateway.context.sql_recorder import record_sql
    from gateway.control.worker import Control

    record_sql()  # even where nothing is mirrored, requests may be recorded
    return Control(gateway)
