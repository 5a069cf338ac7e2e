"""What the tools of an agent ask of the gateway's commands, and what becomes of a command that fails."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.anyio

PATH = {"endpoint": "GET /api/products/"}
ASKED: list[tuple[str, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = [
    # the tool, what an agent says, what is never an option, and the options
    ("inventory", {}, (), ("--next=5",)),
    ("inventory", {"text": "/api/"}, ("/api/",), ("--next=5",)),
    ("brief", PATH, ("GET /api/products/",), ()),
    ("scaffold", PATH | {"service": "a"}, ("GET /api/products/",), ("--dry-run", "--service=a")),
    (
        "scaffold",
        PATH | {"service": "a", "rewrite": True},
        ("GET /api/products/",),
        ("--dry-run", "--service=a", "--rewrite"),
    ),
    ("verify", {"route": "catalog"}, ("catalog",), ("--generate",)),
    ("diffs", {}, (), ()),
    ("diffs", {"route": "catalog"}, ("catalog",), ()),
    ("status", {"route": "catalog"}, ("catalog",), ()),
]


@pytest.mark.parametrize(("tool", "said", "arguments", "options"), ASKED)
async def test_a_tool_asks_the_command_of_its_name(monkeypatch, tool, said, arguments, options):
    from mcp import Client

    from gateway.workbench.agent_tools import CommandRunner, tools

    asked: list[Any] = []

    async def ask(self: Any, command: str, *arguments: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
        asked.append((command, arguments, options))
        return {"command": command}

    monkeypatch.setattr(CommandRunner, "ask", ask)
    async with Client(tools(None)) as client:
        result = await client.call_tool(tool, said)
    assert asked == [(tool, arguments, options)]
    assert result.structured_content == {"command": tool}


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have commands run this shell script."""

    def runs(script: str) -> None:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return runs


async def test_a_command_is_asked_for_its_document_with_the_agents_words_behind_the_options(python, tmp_path):
    from gateway.workbench.agent_tools import CommandRunner

    python("""printf '{"asked": "%s"}' "$*" """)
    document = await CommandRunner(tmp_path / "a.toml").ask("brief", "--config", options=("--dry-run",))
    assert document == {"asked": f"-m gateway --config {tmp_path}/a.toml brief --json --dry-run -- --config"}


async def test_a_command_without_a_document_is_told_with_its_last_words(python):
    from gateway.workbench.agent_tools import CommandRunner, ToolError

    python("echo no module named gateway >&2; exit 3")
    with pytest.raises(ToolError, match="gateway status ended with status 3: no module named gateway"):
        await CommandRunner(None).ask("status")


async def test_a_command_that_takes_too_long_is_ended(python, tmp_path, monkeypatch):
    from gateway.workbench.agent_tools import CommandRunner, ToolError

    monkeypatch.setattr("gateway.workbench.agent_tools.LONGEST", 0.05)
    python("exec sleep 600")
    with pytest.raises(ToolError, match=r"gateway verify took longer than 0\.05 seconds"):
        await CommandRunner(None).ask("verify", "catalog")
