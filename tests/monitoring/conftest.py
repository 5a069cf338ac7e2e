"""A gateway with a service inside the project's middleware, as the bridge's tests have it."""

from tests.bridge.conftest import bridged

__all__ = ["bridged"]
