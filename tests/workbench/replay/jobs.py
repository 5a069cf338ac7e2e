"""What the processes of a replay do where something goes wrong, in place of `gateway.workbench.replay.job.run`."""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection

from gateway.workbench.replay.job import Setup

__all__ = ["ends_at_once", "ends_when_asked_to_generate", "is_deaf", "refuses", "refuses_to_generate", "survives"]


def survives(_setup: Setup, connection: Connection) -> None:
    """Answers each case, but ends at /dies/."""
    connection.send({"items": "r7"})
    while (tasks := connection.recv()) is not None:
        for task in tasks:
            if task.case.path == "/dies/":
                os._exit(3)
            connection.send(task.result("it was asked"))


def refuses(_setup: Setup, connection: Connection) -> None:
    """As for settings with an error."""
    connection.send("ImproperlyConfigured: SECRET_KEY is empty")
    connection.recv()


def ends_at_once(_setup: Setup, _connection: Connection) -> None:
    """As for a library that can't be loaded."""
    os._exit(4)


def ends_when_asked_to_generate(_setup: Setup, connection: Connection) -> None:
    connection.send({})
    connection.recv()
    os._exit(5)


def refuses_to_generate(_setup: Setup, connection: Connection) -> None:
    connection.send({})
    connection.recv()
    connection.send("--generate needs schemathesis")
    connection.recv()


def is_deaf(setup: Setup, connection: Connection) -> None:
    """Answers, and does not end."""
    survives(setup, connection)
    time.sleep(600)
