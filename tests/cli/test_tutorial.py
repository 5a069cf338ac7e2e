"""docs/tutorial.md, run as it stands there, in a copy of the demo."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import environment

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
COPIED = ("gateway.toml", "manage.py", "pyproject.toml", "legacy", "newsvc", "tests")
_block = re.compile(r"```console\n(.*?)```", re.DOTALL)


def steps() -> list[tuple[str, list[str]]]:
    """Each command with the lines that it is said to print."""
    found: list[tuple[str, list[str]]] = []
    for block in _block.findall((ROOT / "docs" / "tutorial.md").read_text()):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def pattern(line: str) -> re.Pattern[str]:
    """A line of the manual: "…" stands for anything, and so does the width of a gap."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in line.split("…")]
    return re.compile(r"\s*.*?\s*".join(parts))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The demo, in a repository of its own."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def test_every_command_of_the_tutorial_does_what_it_says(shop: Path):
    port = str(free_port())
    marked = [(f"=== {number} ===", command, printed) for number, (command, printed) in enumerate(steps())]
    begin = "set -e\nset -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
    script = begin + "".join(f"echo '{mark}'\n{command.replace('8000', port)}\n" for mark, command, _ in marked)
    variables = environment(PATH=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin", PYTHONPATH="")
    done = subprocess.run(
        ["bash", "-c", script], cwd=shop, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    rest = done.stdout
    for mark, command, printed in marked:
        rest = rest.partition(f"{mark}\n")[2]
        output = rest.partition("\n=== ")[0]
        for line in printed:
            assert pattern(line).search(output), f"{command}: no {line!r} in\n{output}"
