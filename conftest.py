"""What holds for every test of the repository."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings
from pytest_django import DjangoDbBlocker

# A deadline is a timing assertion, which a busy machine fails.
settings.register_profile("here", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=15)  # of `make test-fast`
settings.register_profile("ci", deadline=None, max_examples=40)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001 - first
    """The test databases. Their content types and permissions outlast the flushes between tests."""
    from tests.support.permissions import present, restored_after_flush

    with django_db_blocker.unblock():
        rows = present()
    with restored_after_flush(rows):
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of slow tests first: in the end no process has a long file before it, while the others have nothing."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What has been collected lives to the end: looking for garbage in it takes an eighth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI every test has to run: one that was skipped fails the run. And what was measured is kept: pytest-xdist
    kills a process that takes more than ten seconds to end."""
    if "coverage" in sys.modules and (measuring := sys.modules["coverage"].Coverage.current()) is not None:
        measuring.save()
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Loudly, where the admin's pages were not looked at."""
    skipped = terminalreporter.stats.get("skipped", [])
    if unseen := [report for report in skipped if "browser" in report.keywords]:
        terminalreporter.section("NO BROWSER", sep="!", red=True, bold=True)
        terminalreporter.line(f"Tests of the admin's pages were left out: {len(unseen)}. There is no Chromium here.")
        terminalreporter.line("Install it, or set CHROMIUM to its path: CONTRIBUTING.md.")
