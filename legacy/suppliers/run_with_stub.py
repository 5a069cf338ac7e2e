"""Run a command with suppliers to ask: `python -m legacy.suppliers.run_with_stub gateway serve --port 8000`.

The stub suppliers answer from this process, on a port that is free, for as long as the command runs; the
command finds them in SUPPLIERS_URL. Where that is set already, the command simply takes this process over.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from legacy.suppliers.stub import StubSupplier, serving

LATENCY = 0.05  # seconds


def run(command: list[str]) -> int:
    """Run the command beside the stub, and return how it ended, as a shell would."""
    with (
        serving(StubSupplier(LATENCY)) as url,
        subprocess.Popen(command, env={**os.environ, "SUPPLIERS_URL": url}) as process,  # noqa: S603
    ):

        def pass_on(number: int, _: FrameType | None) -> None:
            process.send_signal(number)

        # A terminal sends Ctrl-C to both; only the command decides what to do with it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, pass_on)
        signal.signal(signal.SIGHUP, pass_on)
        status = process.wait()
    return status if status >= 0 else 128 - status


def main() -> None:
    """Read the command line."""
    command = sys.argv[1:]
    if not command:
        sys.exit("usage: python -m legacy.suppliers.run_with_stub COMMAND [ARGUMENT…]")
    if os.environ.get("SUPPLIERS_URL"):
        os.execvp(command[0], command)  # noqa: S606
    sys.exit(run(command))


if __name__ == "__main__":
    main()
