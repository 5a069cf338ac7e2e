"""The command: `python -m bench`.

Exit codes: 0 when every row was measured, whether or not its goal was reached; 1 when a row failed; 2 for
wrong usage; 130 when interrupted.
"""

import argparse
import contextlib
import datetime as dt
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from bench.generator import Generator
from bench.machine import describe_commit, describe_machine, describe_versions
from bench.measure import Bench, Target, create_database
from bench.peers import PEERS, THREADS
from bench.process import ROOT, BenchError, Placement
from bench.profile import profile
from bench.rates import RateRow
from bench.report import Report
from bench.result import Result
from bench.rows import ROWS, Row
from bench.soak import soak
from bench.steps import ROWS as STEPS
from bench.steps import StepsReport, count_steps, earlier_steps, with_parts

RESULTS = ROOT / "bench" / "results"
PROFILE_SECONDS = 5


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options; exits with 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare the gateway with its peers.")
    parser.add_argument("--rounds", type=_positive, help="rounds per row (default 5; 2 with --quick)")
    parser.add_argument("--seconds", type=_positive, help="seconds per round and side (default 2; 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 second: to see that it runs")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="rows by name; --list names them")
    names = [peer.name for peer in PEERS]
    parser.add_argument(
        "--pair", nargs=3, metavar=("PEER", "PEER", "PATH"), help="compare any two peers: " + ", ".join(names)
    )
    parser.add_argument(
        "--profile", nargs=2, metavar=("PEER", "PATH"), help="show where a peer's time goes (needs py-spy)"
    )
    parser.add_argument("--steps", action="store_true", help="count interpreter steps instead of measuring time")
    parser.add_argument("--against", metavar="COMMIT", help="with --steps: count those of the gateway at COMMIT too")
    parser.add_argument(
        "--soak",
        type=float,
        nargs="?",
        const=10.0,
        metavar="MINUTES",
        help="under faults for 10 minutes (bench/soak.py)",
    )
    parser.add_argument("--connections", type=_positive, default=32, help="for --pair and --profile (default 32)")
    parser.add_argument("--list", action="store_true", help="list the rows and stop")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--load", choices=["auto", "wrk", "builtin"], default="auto")
    parser.add_argument("--pin", action="store_true", help="servers on one core, load on another")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="where to write (default bench/results for a whole run)"
    )
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (1 if options.quick else 2)
    asked = {*(options.pair or ())[:2], *(options.profile or ())[:1]}
    if unknown := sorted(asked - set(names)):
        parser.error(f"unknown peer {', '.join(unknown)}; expected one of {', '.join(names)}")
    if sum(bool(one) for one in (options.only, options.pair, options.profile)) > 1:
        parser.error("expected at most one of --only, --pair and --profile")
    if options.against and not options.steps:
        parser.error("--against goes with --steps")
    rows = [row.name for row in (STEPS if options.steps else ROWS)]
    if unknown := [name for name in options.only or () if name not in rows]:
        parser.error(f"unknown row {', '.join(unknown)}; expected one of {', '.join(rows)}")
    return options


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number from 1")
    return int(text)


def chosen_rows(options: argparse.Namespace) -> list[Row]:
    """Return the rows to measure, in the table's order."""
    if options.pair:
        ours, theirs, path = options.pair
        peers = {peer.name: peer for peer in PEERS}
        return [
            RateRow(
                "pair",
                f"{path}: {ours} / {theirs}",
                Target(peers[ours], path),
                Target(peers[theirs], path),
                connections=options.connections,
            )
        ]
    return [row for row in ROWS if not options.only or row.name in options.only]


def measure(rows: Sequence[Row], bench: Bench) -> list[Result]:
    """Measure the rows one by one; one that fails is reported, and the others go on."""
    results: list[Result] = []
    for number, row in enumerate(rows, 1):
        started = time.monotonic()
        bench.say(f"[{number}/{len(rows)}] {row.title}")
        try:
            results.append(row.run(bench))
        except BenchError as error:
            bench.say(f"    failed: {error}")
            results.append(Result(row.name, row.title, goal=row.goal, error=str(error)))
        bench.say(f"    {time.monotonic() - started:.0f} s")
    return results


@contextlib.contextmanager
def prepared(options: argparse.Namespace) -> Iterator[Bench]:
    """Yield the means of measuring; raises `BenchError` when there are none."""
    placement = Placement.detect() if options.pin else Placement()
    generator = Generator.choose(options.load, placement.load)
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as workspace:
        bench = Bench(options.rounds, options.seconds, placement, generator, Path(workspace), say)
        create_database(bench)
        yield bench


def run(options: argparse.Namespace) -> Report:
    """Measure what the options ask for; raises `BenchError` when nothing can be measured at all."""
    machine, commit = describe_machine(), describe_commit()
    started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    if machine["load_before"] > 0.5:
        say(f"the machine is not idle (load {machine['load_before']}): believe ratios, not rates")
    with prepared(options) as bench:
        results = measure(chosen_rows(options), bench)
    settings: dict[str, Any] = {
        "rounds": bench.rounds,
        "seconds": bench.seconds,
        "threads": THREADS,
        "load": bench.generator.name,
        "placement": str(bench.placement),
    }
    return Report(started, machine, describe_versions(bench.generator.wrk), commit, settings, results)


def run_steps(options: argparse.Namespace) -> StepsReport:
    """Count the steps of the rows that the options name; raises `BenchError` when they can't be counted."""
    started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    names = with_parts(options.only or [row.name for row in STEPS])
    with prepared(options) as bench:
        counted = count_steps(bench, names)
        earlier = earlier_steps(bench, names, options.against) if options.against else None
    return StepsReport(started, describe_versions(None), describe_commit(), counted, options.against, earlier)


def run_profile(options: argparse.Namespace) -> None:
    """Print where the peer's time goes; raises `BenchError` when that cannot be seen."""
    name, path = options.profile
    peer = next(peer for peer in PEERS if peer.name == name)
    with prepared(options) as bench:
        print(profile(bench, peer, path, connections=options.connections, seconds=PROFILE_SECONDS))


def say(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)


def _terminate(*_: object) -> NoReturn:
    """Turn SIGTERM into an exception, so that the servers are stopped on the way out."""
    raise KeyboardInterrupt


def present(report: Report | StepsReport, options: argparse.Namespace) -> None:
    """Print the report, and write it when the run was a whole one or was told where to."""
    if options.json:
        print(json.dumps(report.document(), indent=1, ensure_ascii=False))
    else:
        report.print(Console())
    whole = not (options.only or options.pair or options.quick)
    if options.output or whole:
        for path in report.write(options.output or RESULTS):
            say(f"wrote {path}")


def main() -> int:
    """Run the command and return its exit code."""
    options = parse()
    if options.list:
        for row in STEPS if options.steps else ROWS:
            print(f"{row.name:18} {row.title}")
        return 0
    signal.signal(signal.SIGTERM, _terminate)
    try:
        if options.soak:
            text, well = soak(60 * options.soak)
            print(text)
            return 0 if well else 1
        if options.profile:
            run_profile(options)
            return 0
        report: Report | StepsReport = run_steps(options) if options.steps else run(options)
    except BenchError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; servers stopped, nothing written")
        return 130
    present(report, options)
    return 1 if isinstance(report, Report) and any(result.error for result in report.results) else 0


if __name__ == "__main__":
    sys.exit(main())
