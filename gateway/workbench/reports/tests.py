"""Cases of a replay as tests of the project, which people may read and change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from gateway.workbench.replay.result import EVERYONE, CaseResult, Outcome
from gateway.workbench.reports.testcode import CONFTEST, MODULE, TEST

__all__ = ["TestsExist", "write_tests"]


class TestsExist(Exception):
    """Existing files are not overwritten. `paths` are these files."""

    __test__ = False  # not a test class of pytest's

    def __init__(self, paths: list[Path]) -> None:
        super().__init__(f"not written over: {', '.join(map(str, paths))}")
        self.paths = paths


def write_tests(cases: Iterable[CaseResult], folder: Path) -> list[Path]:
    """Write a module for each route into `folder`, and a conftest.py if there is none. Returns the paths of the files.

    Cases that prove nothing are left out, and those that were repeated as another user. Raises TestsExist before
    anything is written.
    """
    modules: dict[Path, list[str]] = {}
    for case in cases:
        if case.outcome is not Outcome.SKIPPED and case.source != EVERYONE:
            modules.setdefault(folder / f"test_{_name(case.route)}.py", []).append(_test(case))
    if known := [path for path in modules if path.exists()]:
        raise TestsExist(known)
    folder.mkdir(parents=True, exist_ok=True)
    files = {path: MODULE + "".join(dict.fromkeys(tests)) for path, tests in modules.items()}
    conftest = folder / "conftest.py"
    if not conftest.exists():
        files[conftest] = CONFTEST
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return [*files]


def _test(case: CaseResult) -> str:
    """One test. Content from traffic is in it only as a literal, or as a name made of its letters and digits."""
    asked, answer = case.case, case.case.answer
    status = answer.status if answer is not None else case.legacy.status if case.legacy is not None else 0
    arguments = [ascii(asked.method), ascii(asked.target), f"route={case.route!a}"]
    if asked.headers:
        arguments.append(f"headers={dict(asked.headers)!a}")
    if asked.body:
        arguments.append(f"body={asked.body!a}")
    if asked.user.kind != "anonymous":
        arguments.append(f"user=caller({asked.user.kind!a})")
    if status:
        arguments.append(f"recorded={status}")
    name = f"{_name(asked.method)}_{_name(asked.template)}_{status}_{asked.key[:6]}"
    return TEST.format(name=name, arguments="".join(f"        {argument},\n" for argument in arguments))


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60] or "root"
