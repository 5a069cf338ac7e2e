"""What several commands share."""

from __future__ import annotations

import io
import sys

from gateway.cli.common import spinning


class Screen(io.StringIO):
    """A terminal's."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_what_takes_long_and_a_pipe_does_not(monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    for screen, shown in ((Screen(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", screen)
        with spinning("reading") as tell:
            tell("comparing")
        assert ("comparing" in screen.getvalue()) is shown
