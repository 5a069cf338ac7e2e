"""The runner for `manage.py test`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from django.test.runner import DiscoverRunner

from gateway.testing.client import through_gateway
from gateway.testing.loop import stop

__all__ = ["GatewayRunner"]


class GatewayRunner(DiscoverRunner):
    """Django's own runner; the requests of every Django test client go through the gateway.

    `TEST_RUNNER = "gateway.testing.runner.GatewayRunner"`, or `manage.py test --testrunner=…`. The configuration is
    the one that `gateway.config.find` finds. Under `--parallel` each process has a gateway of its own.
    """

    def setup_test_environment(self, **kwargs: Any) -> None:
        """As Django's, and lead the clients through the gateway."""
        super().setup_test_environment(**kwargs)
        self._through = ExitStack()
        self._through.enter_context(through_gateway())

    def teardown_databases(self, old_config: Any, **kwargs: Any) -> None:
        """Stop the gateway, whose services may hold connections, and do what Django does."""
        stop()
        super().teardown_databases(old_config, **kwargs)

    def teardown_test_environment(self, **kwargs: Any) -> None:
        """Undo both."""
        stop()
        self._through.close()
        super().teardown_test_environment(**kwargs)
