"""Seconds per route lookup: `python -m bench.match_cost 10000` prints them by kind of path, as JSON.

The routes are one third exact paths, one third templates and one third prefixes. Lookups are spread over all
of them in a fixed random order, so that ten thousand routes also pay for the processor's caches, which they
do not fit into; `--asked 10` asks for the first ten alone.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable

from gateway.routing.table import DEEPEST, EXACT, PREFIX, TEMPLATE, EndpointPattern, Rule, Table

LOOKUPS = 3_000
REPEATS = 31
GET = frozenset({"GET"})


def table(routes: int) -> Table:
    """Return a table with that many routes, each with one endpoint."""
    kinds = (
        lambda number: (EndpointPattern(f"/api/v1/things-{number}/", GET), EXACT),
        lambda number: (EndpointPattern(f"/api/v1/things-{number}/{{id}}/", GET), TEMPLATE),
        lambda number: (EndpointPattern(f"/api/v1/things-{number}", GET, is_subtree=True), PREFIX + DEEPEST - 3),
    )
    return Table(Rule(f"route-{number}", *kinds[number % 3](number), order=number) for number in range(routes))


def paths(asked: int) -> dict[str, list[str]]:
    """Return paths to look up among the first `asked` routes, by the kind of route that claims them.

    Nothing claims those under `legacy`.
    """
    chance = random.Random(20)  # noqa: S311 - the same order in every run, nothing secret
    numbers = [chance.randrange(asked // 3) * 3 for _ in range(LOOKUPS)]
    return {
        "exact": [f"/api/v1/things-{number}/" for number in numbers],
        "template": [f"/api/v1/things-{number + 1}/{number}/" for number in numbers],
        "prefix": [f"/api/v1/things-{number + 2}/parts/{number}/" for number in numbers],
        "legacy": [f"/shop/pages-{number}/{number}/" for number in numbers],
    }


def seconds_per_lookup(match: Callable[[str, str], object], asked: list[str]) -> float:
    """Return the median over repeats of CPU seconds per lookup, the loop around it included."""
    spent: list[float] = []
    for _ in range(REPEATS):
        started = time.process_time()
        for path in asked:
            match(path, "GET")
        spent.append((time.process_time() - started) / len(asked))
    return statistics.median(spent)


def main() -> None:
    """Print the costs for the number of routes given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("routes", type=int)
    parser.add_argument("--asked", type=int, help="how many of the routes are asked for (default: all)")
    options = parser.parse_args()
    match = table(options.routes).match
    asked = paths(options.asked or options.routes)
    for kind, some in asked.items():
        unclaimed = [path for path in some if (found := match(path, "GET")) is None or found.route is None]
        if bool(unclaimed) != (kind == "legacy"):
            sys.exit(f"{kind} paths are {'not ' if unclaimed else ''}claimed: {some[0]}")
    json.dump({kind: seconds_per_lookup(match, some) for kind, some in asked.items()}, sys.stdout)


if __name__ == "__main__":
    main()
