"""The steps of a verification, each of which corresponds to a command of its own."""

from __future__ import annotations

import importlib.util
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import DatabaseError

from gateway.clock import utc_now
from gateway.rollout.guard import Verdict
from gateway.rollout.stage import IllegalMove, promoted
from gateway.upstreams.release import modules_of
from gateway.wording import counted
from gateway.workbench import checks
from gateway.workbench.database import installed, trouble
from gateway.workbench.replay.result import Outcome
from gateway.workbench.runtime_states import put_in_force
from gateway.workbench.verify.typing import check_types
from gateway.workbench.verify.verdict import StepVerdict, VerifyStep

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.config.routes import RouteConfig
    from gateway.workbench.replay.result import ReplayResult
    from gateway.workbench.runtime_states import States

__all__ = ["verify"]

SHOWN = 20  # findings of a replay
GENERATED = 10  # requests of each kind for each operation
EXAMPLES, SEED = 50, 0  # number of the contract's generated values, and their seed
_INSTALLED = tuple(str(Path(sysconfig.get_path(kind)).resolve()) for kind in ("purelib", "platlib", "stdlib"))


def verify(
    gateway: Gateway, route: RouteConfig, who: str, corpus: Path | None = None, *, generate: bool = False
) -> Iterator[VerifyStep]:
    """Every step for one route, as it is done. `gateway` is built already, which is the first thing that may fail.
    `corpus` is the file of recorded requests to replay; with `generate`, requests are also generated. The result is
    stored as evidence, with the name `who`."""
    states = put_in_force(gateway)
    yield _configuration(gateway, states)
    yield _contract(gateway, route)
    yield _types(gateway, route)
    yield _replay(gateway, route, who, corpus, generate=generate)
    yield _traffic(route)


def _configuration(gateway: Gateway, states: States) -> VerifyStep:
    found = checks.problems(gateway, states)
    if not found:
        return VerifyStep("check", StepVerdict.PASSED, "the configuration holds")
    lines = tuple(f"{problem.key}: expected {problem.expected}" for problem in found)
    return VerifyStep(
        "check", StepVerdict.FAILED, f"{counted(len(found), 'problem')} in the configuration", "gateway check", lines
    )


def _contract(gateway: Gateway, route: RouteConfig) -> VerifyStep:
    if importlib.util.find_spec("hypothesis") is None:
        install = 'pip install "django-fastapi-gateway[workbench]"'
        return VerifyStep("contract", StepVerdict.UNKNOWN, "hypothesis is not installed", install)
    from gateway.workbench.contract.budget import TrialBudget
    from gateway.workbench.contract.compare import contract_of

    contract = contract_of(gateway, route.name, TrialBudget(EXAMPLES, SEED))
    if not contract.endpoints:
        return VerifyStep("contract", StepVerdict.UNKNOWN, contract.skipped)
    blocking = list(contract.blocking())
    if blocking:
        lines = tuple(f"{one.method} {one.path}: {found.area}: {found.message}" for one, found in blocking)
        return VerifyStep(
            "contract", StepVerdict.FAILED, f"{len(blocking)} breaking", f"gateway contract {route.name}", lines
        )
    left = sum(len(one.unknown) for one in contract.endpoints)
    count = len(contract.endpoints)
    return VerifyStep(
        "contract", StepVerdict.PASSED, f"holds for {counted(count, 'endpoint')}, {counted(left, 'thing')} not compared"
    )


def _types(gateway: Gateway, route: RouteConfig) -> VerifyStep:
    service = gateway.config.services[route.service]
    if service.app is None:
        return VerifyStep("types", StepVerdict.UNKNOWN, "the service is at a URL; its code is not here")
    endpoints = gateway.services[route.service].endpoints() or ()
    files = sorted({Path(file) for module in modules_of(service.app, endpoints) if (file := module.__file__)})
    own = [file for file in files if not str(file.resolve()).startswith(_INSTALLED)]
    holds, who, lines = check_types(own, Path(gateway.config.source).resolve().parent)
    if holds is None:
        return VerifyStep("types", StepVerdict.UNKNOWN, who, None, tuple(lines))
    if holds:
        return VerifyStep("types", StepVerdict.PASSED, f"{who} finds nothing in {counted(len(own), 'file')}")
    return VerifyStep(
        "types", StepVerdict.FAILED, f"{who} finds {counted(len(lines), 'error')}", f"fix {lines[0]}", tuple(lines)
    )


def _replay(gateway: Gateway, route: RouteConfig, who: str, corpus: Path | None, *, generate: bool) -> VerifyStep:
    if corpus is None and not generate:
        return VerifyStep(
            "replay", StepVerdict.UNKNOWN, "nothing is replayed", f"gateway verify {route.name} --generate"
        )
    from gateway.workbench.corpus import Corpus, UnreadableCorpus, read_corpus
    from gateway.workbench.replay.generation import Generation
    from gateway.workbench.replay.running import CantReplay, Options, replay
    from gateway.workbench.replay.scratch import CantCopy
    from gateway.workbench.replay.stored import store
    from gateway.workbench.replay.task import tasks_of

    try:
        recorded = Corpus() if corpus is None else read_corpus(corpus)
        tasks = tasks_of(case for case in recorded.cases if case.route == route.name)
        made = Generation(GENERATED, SEED, (route.name,)) if generate else None
        source = None if corpus is None else str(corpus)
        options = Options(redacted=recorded.about.redacted, source=source, generation=made)
        result = replay(tasks, gateway.config, Path(gateway.config.source), options)
    except (UnreadableCorpus, OSError, CantCopy, CantReplay) as exc:
        return VerifyStep("replay", StepVerdict.UNKNOWN, str(exc))
    store(result, who)
    return _replayed(route, result)


def _replayed(route: RouteConfig, result: ReplayResult) -> VerifyStep:
    blocking = [(case, found) for case in result.cases for found in case.findings if found.blocks]
    if blocking:
        lines = tuple(f"{case}: {found.drift}: {found.message}" for case, found in blocking)
        again = f"gateway replay {result.corpus or '--generate'} --route {route.name}"
        return VerifyStep(
            "replay", StepVerdict.FAILED, counted(len(blocking), "breaking difference"), again, lines[:SHOWN]
        )
    if not result.equal:
        skipped = tuple(f"{counted(count, 'case')}: {reason}" for reason, count in result.skipped.items())
        return VerifyStep("replay", StepVerdict.UNKNOWN, "nothing could be compared", None, skipped)
    return VerifyStep(
        "replay", StepVerdict.PASSED, f"{counted(len(result.of(Outcome.EQUAL)), 'case')} answered alike", proves=True
    )


def _traffic(route: RouteConfig) -> VerifyStep:
    if not installed():
        return VerifyStep(
            "traffic", StepVerdict.UNKNOWN, '"gateway.control" is not in INSTALLED_APPS, so nothing is counted'
        )
    try:
        return _evidence(route)
    except DatabaseError as exc:
        return VerifyStep("traffic", StepVerdict.UNKNOWN, trouble(exc), "fix the database")


def _evidence(route: RouteConfig) -> VerifyStep:
    from gateway.control.current_state import current_state
    from gateway.control.evidence_queries import collect_evidence
    from gateway.rollout.evidence import missing

    now = utc_now()
    standing = current_state(route)
    try:
        to = promoted(standing.state, route.steps)
    except IllegalMove:
        return VerifyStep("traffic", StepVerdict.PASSED, f"it is {standing.state}, the last stage", proves=True)
    evidence = collect_evidence(route, standing, now)
    move = f"gateway promote {route.name}"
    if not (lacking := missing(evidence, standing.state, to, route.name)):
        compared = bool(evidence.compared)
        return VerifyStep("traffic", StepVerdict.PASSED, f"nothing is missing for {to}", move, proves=compared)
    failed = StepVerdict.FAILED if evidence.open or evidence.current.verdict is Verdict.FAILING else StepVerdict.UNKNOWN
    return VerifyStep("traffic", failed, f"missing for {to}", lacking[0].rpartition(": ")[2], lacking)
