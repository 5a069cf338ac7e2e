"""A whole replay: copies the databases, distributes cases to processes, and collects the results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Self

from gateway.clock import SYSTEM
from gateway.config.parse import Config
from gateway.workbench.corpus import Case
from gateway.workbench.replay.generation import Generated, Generation
from gateway.workbench.replay.job import Setup, run
from gateway.workbench.replay.result import BOTH, GENERATED, CaseResult, Outcome, ReplayResult
from gateway.workbench.replay.scratch import Scratch
from gateway.workbench.replay.stored import accepted_now
from gateway.workbench.replay.task import Task, as_everyone, tasks_of

__all__ = ["CantReplay", "Options", "replay"]

CHUNK = 8  # cases in a list for a process
AHEAD = 2  # lists that a process has at a time, so that it never waits
ENDS = 10.0  # seconds for a process to end


class CantReplay(Exception):
    """A process can't start. The message is the reason."""


def _nobody(_: object) -> None:
    """Default callback: does nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a replay. `side`: "both", or the side that is compared with the recording. `in_place`: use the
    configured databases, and roll back there. `redacted`: the recording has pseudonyms. `source` is its file.

    `generation`: also send generated requests; `everyone`: also repeat each case as other users. `total` is called with
    the number of cases, and `tell` with each result.
    """

    side: str = BOTH
    jobs: int = 1
    in_place: bool = False
    redacted: bool = True
    source: str | None = None
    verbose: bool = False
    generation: Generation | None = None
    everyone: bool = False
    total: Callable[[int], None] = _nobody
    tell: Callable[[CaseResult], None] = _nobody


def replay(tasks: Sequence[Task], config: Config, path: Path, options: Options) -> ReplayResult:
    """Play `tasks` with the configuration in the file at `path`. Raises CantCopy, CantReplay."""
    started, since = SYSTEM.time(), SYSTEM.monotonic()
    # On the same databases, processes would wait for each other's locks.
    most = options.jobs if options.generation is not None or options.everyone else -(-len(tasks) // CHUNK)
    jobs = 1 if options.in_place else max(1, min(options.jobs, most))
    cases: list[CaseResult] = []
    with ExitStack() as stack:
        scratch = None if options.in_place else stack.enter_context(Scratch(jobs, config.mirror.database))
        accepted = accepted_now()  # not before: SQLite makes a file that is missing

        def setup(job: int) -> Setup:
            databases = None if scratch is None else scratch.of(job)
            return Setup(path, databases, started, options.side, options.redacted, options.verbose, accepted)

        crew = stack.enter_context(_Crew(jobs, setup))
        tasks, left_out = [*tasks], list[tuple[Case, str]]()
        if options.generation is not None:
            made = crew.generate(options.generation)
            tasks += tasks_of(made.cases, GENERATED, len(tasks) + 1)
            left_out = made.left_out
        if options.everyone:
            tasks += as_everyone(tasks, len(tasks) + 1)
        cases += [Task(n, case, GENERATED).result(why) for n, (case, why) in enumerate(left_out, len(tasks) + 1)]
        options.total(len(tasks))
        for result in crew.play(tasks):
            options.tell(result)
            cases.append(result)
    cases.sort(key=lambda case: case.number)
    asked = {case.route for case in cases if case.outcome is not Outcome.SKIPPED}
    releases = {route.name: crew.releases.get(route.service, "") for route in config.routes if route.name in asked}
    seconds = SYSTEM.monotonic() - since
    return ReplayResult(tuple(cases), options.side, options.source, started, seconds, jobs, releases)


class _Job:
    """A process, and its tasks without a result."""

    def __init__(self, number: int, setup: Setup) -> None:
        self.number = number
        self.setup = setup
        self.ready = False
        self.given: deque[Task] = deque()
        context = get_context("spawn")  # without this process's Django and connections
        self.orders, theirs = context.Pipe()
        self.process: Any = context.Process(
            target=run, args=(setup, theirs), name=f"gateway-replay-{number}", daemon=True
        )
        self.process.start()
        theirs.close()

    def give(self, tasks: list[Task]) -> None:
        self.given += tasks
        self.orders.send(tasks)

    def end(self) -> None:
        with suppress(OSError):  # it has ended
            self.orders.send(None)
        self.process.join(ENDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.orders.close()


class _Crew:
    """The processes. One that dies is replaced; the case that it was playing is skipped."""

    def __init__(self, jobs: int, setup: Callable[[int], Setup]) -> None:
        self._jobs = jobs
        self._setup = setup
        self._working: dict[Connection, _Job] = {}
        self._waiting: deque[Task] = deque()
        self.releases: dict[str, str] = {}

    def __enter__(self) -> Self:
        for number in range(self._jobs):
            self._start(number)
        return self

    def __exit__(self, *_: object) -> None:
        for job in self._working.values():
            job.end()

    def _start(self, number: int) -> None:
        job = _Job(number, self._setup(number))
        self._working[job.orders] = job

    def generate(self, how: Generation) -> Generated:
        """Have one of the processes generate requests. Raises CantReplay."""
        job = next(iter(self._working.values()))
        try:
            self._began(job, job.orders.recv())
            job.orders.send(how)
            said = job.orders.recv()
        except (EOFError, OSError):
            raise CantReplay("a process of the replay ended before it had made any request") from None
        if isinstance(said, str):
            raise CantReplay(said)
        made: Generated = said
        return made

    def _began(self, job: _Job, said: object) -> None:
        if isinstance(said, str):
            raise CantReplay(said)
        if isinstance(said, dict):
            job.ready = True
            self.releases.update(said)

    def play(self, tasks: Iterable[Task]) -> Iterator[CaseResult]:
        """Yield results in the order in which they arrive. Raises CantReplay."""
        self._waiting.extend(tasks)
        left = len(self._waiting)
        for job in self._working.values():
            self._hand_out(job)
        while left:
            for connection in wait([*self._working]):
                job = self._working[connection]  # type: ignore[index] # all are connections
                for result in self._heard(job):
                    left -= 1
                    yield result

    def _heard(self, job: _Job) -> Iterator[CaseResult]:
        try:
            said = job.orders.recv()
        except (EOFError, OSError):
            yield from self._died(job)
            return
        if isinstance(said, CaseResult):
            job.given.popleft()
            yield said
        else:
            self._began(job, said)
        self._hand_out(job)

    def _hand_out(self, job: _Job) -> None:
        while job.ready and self._waiting and len(job.given) <= CHUNK * (AHEAD - 1):
            job.give([self._waiting.popleft() for _ in range(min(CHUNK, len(self._waiting)))])

    def _died(self, job: _Job) -> Iterator[CaseResult]:
        del self._working[job.orders]
        job.process.join(ENDS)
        if not job.ready:
            raise CantReplay(f"a process of the replay ended with {job.process.exitcode} before it could begin")
        if job.given:
            task = job.given.popleft()
            yield task.result(f"the process that asked it ended with {job.process.exitcode}")
        self._waiting.extendleft(reversed(job.given))
        self._start(job.number)
