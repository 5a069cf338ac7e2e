"""Fixtures: the command line, in this process."""

from tests.support.commandline import here, invoke, rollout

__all__ = ["here", "invoke", "rollout"]
