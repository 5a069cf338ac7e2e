"""A runner for `manage.py test`: the project's own, with clients that call the gateway.

    python manage.py test --testrunner gateway.testing.runner.GatewayRunner

`GatewayRunner` derives from the class that TEST_RUNNER names. To set TEST_RUNNER itself to a runner with the gateway,
derive one: `class OurRunner(GatewayRunnerMixin, DiscoverRunner)`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test.runner import DiscoverRunner, ParallelTestSuite
from django.test.utils import get_runner

from gateway.testing.options import OPTIONS

__all__ = ["GatewayRunnerMixin"]

NAME = "GatewayRunner"


class GatewayRunnerMixin:
    """Adds to a test runner: options, and clients that call the gateway while it runs tests.

    The runner only needs what Django requires: `run_tests`, and options as keyword arguments. Under `--parallel` each
    process has a gateway of its own.
    """

    parallel_test_suite: Any
    _ran = True  # unless the runner says otherwise

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        suite = getattr(cls, "parallel_test_suite", None)
        if suite is not None and not hasattr(suite, "leads_to_the_gateway"):
            cls.parallel_test_suite = _led(suite)

    def __init__(
        self,
        *args: Any,
        gateway_config: str | None = None,
        gateway_stage: Sequence[str] | None = None,
        gateway_allow_none: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._gateway = gateway_config, tuple(gateway_stage or ()), gateway_allow_none

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """The runner's own options, and the gateway's."""
        inherited = getattr(super(), "add_arguments", None)
        if inherited is not None:
            inherited(parser)
        for name, details in OPTIONS.items():
            parser.add_argument(name, **details)

    def run_tests(self, test_labels: Any, *args: Any, **kwargs: Any) -> Any:
        """As the runner's; returns one failure more if no request went through the gateway."""
        from gateway.testing.suite import Suite

        config, stages, allow_none = self._gateway
        with Suite(config, stages, allow_none=allow_none) as suite:
            failures = super().run_tests(test_labels, *args, **kwargs)  # type: ignore[misc] # every runner has it
            report = suite.report(ran=self._ran)
        sys.stderr.writelines(f"{line}\n" for line in ("", *report.lines))
        return (failures or 0) + report.failed

    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> Any:
        """As the runner's."""
        self._ran = bool(result.testsRun)
        return super().suite_result(suite, result, **kwargs)  # type: ignore[misc] # who asks has it

    def teardown_databases(self, old_config: Any, **kwargs: Any) -> None:
        """Stop the gateway, whose services may hold connections, and then do what the runner does."""
        from gateway.testing.live import stop

        stop()
        super().teardown_databases(old_config, **kwargs)  # type: ignore[misc] # who asks has it


def __getattr__(name: str) -> Any:
    # Created late, from the setting: TEST_RUNNER may be another one in the next test.
    if name != NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _gateway_runner(DiscoverRunner if f"{__name__}.{NAME}" == settings.TEST_RUNNER else _projects_own())


def _projects_own() -> type:
    try:
        found: type = get_runner(settings)
    except AttributeError as exc:
        expected = f"it is to be derived from {__name__}.{GatewayRunnerMixin.__name__}, and not from {NAME}"
        raise ImproperlyConfigured(
            f"TEST_RUNNER = {settings.TEST_RUNNER!r} can't be imported: {exc}; {expected}"
        ) from exc
    return found


@cache
def _gateway_runner(runner: type) -> type:
    """`runner`, with requests through the gateway."""
    if issubclass(runner, GatewayRunnerMixin):
        return runner
    return type(NAME, (GatewayRunnerMixin, runner), {"__doc__": runner.__doc__, "__module__": __name__})


# -- several processes ---------------------------------------------------------------------------


def _led(suite: type[ParallelTestSuite]) -> type[ParallelTestSuite]:
    """`suite`, whose processes call the gateway too, and report their counts."""
    changed = {
        "leads_to_the_gateway": True,
        "init_worker": _Function(partial(_init_worker, suite.init_worker)),
        "run_subsuite": _Function(partial(_run_subsuite, suite.run_subsuite)),
    }
    return type(suite.__name__, (suite,), changed)


class _Function:
    """An object with `__func__`, as ParallelTestSuite expects of its methods, that can be sent to a process."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__func__ = function


def _init_worker(original: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """What the runner does in each process; it sets Django up, which the rest needs."""
    original(*args, **kwargs)
    from gateway.testing.suite import join

    join()


def _run_subsuite(original: Callable[[Any], Any], arguments: Any) -> Any:
    from gateway.testing.suite import leave

    try:
        return original(arguments)
    finally:
        leave()
