"""What holds for every test of the repository."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A deadline is a timing assertion, which a busy machine fails.
settings.register_profile("here", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=15)  # of `make test-fast`
settings.load_profile("here")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI every test has to run: one that was skipped fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
