"""Fixtures: the real `gateway serve`."""

from tests.support.commandline import project, serving, startproject

__all__ = ["project", "serving", "startproject"]
