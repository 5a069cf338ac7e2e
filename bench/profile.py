"""Where a server's time goes under load: `python -m bench --profile gateway /json/`.

py-spy samples whichever thread holds the interpreter's lock, from outside and without stopping it. It takes
from the load's core, so the rate printed is not one to quote.
"""

import shutil
import subprocess
from collections import Counter
from pathlib import Path

from bench.measure import Bench
from bench.peers import Peer
from bench.process import BenchError, on_cores

TOP = 40


def profile(bench: Bench, peer: Peer, path: str, *, connections: int, seconds: int) -> str:
    """Load `path` on `peer` and return where its threads spent their time, as text.

    Raises `BenchError` when py-spy is not on PATH or may not look into the process.
    """
    spy = shutil.which("py-spy")
    if spy is None:
        raise BenchError("--profile: no py-spy on PATH; install it with `pip install py-spy`")
    stacks = bench.workspace / "stacks.txt"
    with bench.serving(peer) as servers:
        server = servers[peer.name]
        expect = bench.reference(server, path)
        bench.warm_up(server, path, connections=connections, expect=expect)
        load = bench.generator.timed(server.url(path), connections=connections, seconds=seconds + 1, expect=expect)
        command = [spy, "record", "--pid", str(server.pid), "--subprocesses", "--gil", "--nonblocking", "--function"]
        command += ["--format", "raw", "--rate", "500", "--duration", str(seconds), "--output", str(stacks)]
        with load, on_cores(bench.placement.load):
            done = subprocess.run(command, text=True, capture_output=True, check=False)
            counts = load.result()
        if done.returncode:
            raise BenchError(f"py-spy: {done.stderr.strip()[-500:]}")
    return f"{peer.title}, GET {path}: {counts.rate:,.0f} requests/s while sampled\n{summary(stacks)}"


def summary(stacks: Path) -> str:
    """Return the frames with the most samples holding the lock, their own and with what they call."""
    own: Counter[str] = Counter()
    inclusive: Counter[str] = Counter()
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        own[frames[-1]] += int(count)
        for frame in set(frames):
            inclusive[frame] += int(count)
    total = own.total() or 1
    lines = ["  own  incl.  frame"]
    ranked = sorted(inclusive, key=lambda frame: (-own[frame], -inclusive[frame]))[:TOP]
    lines += [f"{own[frame] / total:5.1%}  {inclusive[frame] / total:5.1%}  {frame}" for frame in ranked]
    return "\n".join(lines)
