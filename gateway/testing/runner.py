"""The runner for `manage.py test`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from django.test.runner import DiscoverRunner, ParallelTestSuite

__all__ = ["GatewayRunner", "GatewaySuite"]

_for_good = ExitStack()  # what lasts as long as a process of `--parallel`


def _init_worker(*args: Any, **kwargs: Any) -> None:
    """What Django does in each process, and what a process that was not forked doesn't know of yet."""
    ParallelTestSuite.init_worker(*args, **kwargs)  # sets Django up; what follows can only be imported then
    from gateway.testing.client import through_gateway

    _for_good.enter_context(through_gateway())


class GatewaySuite(ParallelTestSuite):
    """Django's own suite for several processes."""

    init_worker = _init_worker


class GatewayRunner(DiscoverRunner):
    """Django's own runner; the requests of every Django test client go through the gateway.

    `TEST_RUNNER = "gateway.testing.runner.GatewayRunner"`, or `manage.py test --testrunner=…`. The configuration is
    the one that `gateway.config.find` finds. Under `--parallel` each process has a gateway of its own.
    """

    parallel_test_suite = GatewaySuite

    def setup_test_environment(self, **kwargs: Any) -> None:
        """As Django's, and lead the clients through the gateway."""
        from gateway.testing.client import through_gateway

        super().setup_test_environment(**kwargs)
        self._through = ExitStack()
        self._through.enter_context(through_gateway())

    def teardown_databases(self, old_config: Any, **kwargs: Any) -> None:
        """Stop the gateway, whose services may hold connections, and do what Django does."""
        from gateway.testing.loop import stop

        stop()
        super().teardown_databases(old_config, **kwargs)

    def teardown_test_environment(self, **kwargs: Any) -> None:
        """Undo both."""
        self._through.close()
        super().teardown_test_environment(**kwargs)
