"""The tools of a coding agent, as it gets them: `gateway mcp` over standard input and output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import project_toml
from tests.support.console import GATEWAY
from tests.support.server import environment

if TYPE_CHECKING:
    from mcp import Client

pytestmark = [pytest.mark.anyio, pytest.mark.server]

TOML = project_toml("""
[services.catalog]
app = "tests.cli.services:catalog"
middleware = "none"

[[routes]]
name = "catalog"
prefix = "/api"
service = "catalog"
""")
TOOLS = {"inventory", "brief", "scaffold", "verify", "diffs", "status"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gateway.toml").write_text(TOML)
    return tmp_path


@asynccontextmanager
async def agent(folder: Path) -> AsyncIterator[Client]:
    """An agent that has started the server in `folder`."""
    # Not above: it takes a second of each process that collects tests.
    from mcp import Client, StdioServerParameters, stdio_client

    server = StdioServerParameters(command=GATEWAY, args=["mcp"], cwd=folder, env=environment())
    async with Client(stdio_client(server)) as client:
        yield client


async def ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def test_its_tools_read_and_none_moves_a_route(folder):
    async with agent(folder) as client:
        found = (await client.list_tools()).tools
    assert {tool.name for tool in found} == TOOLS
    assert {tool.name for tool in found if tool.annotations and tool.annotations.read_only_hint} == TOOLS - {"verify"}
    assert not any(tool.annotations is None or tool.annotations.destructive_hint for tool in found)
    assert all(tool.description for tool in found)


async def test_a_tool_answers_what_the_command_prints(folder):
    async with agent(folder) as client:
        document = await ask(client, "status", route="catalog")
    assert (document["command"], [route["route"] for route in document["routes"]]) == ("status", ["catalog"])


async def test_the_inventory_is_of_what_is_asked_for_with_what_to_move_next(folder):
    async with agent(folder) as client:
        every = await ask(client, "inventory")
        some = await ask(client, "inventory", text="/api/")
    assert len(every["endpoints"]) > len(some["endpoints"]) > 0
    assert all("/api/" in endpoint["template"] for endpoint in some["endpoints"])
    assert len(every["next"]) == 5


async def test_what_the_command_refuses_is_told_as_the_command_tells_it(folder):
    async with agent(folder) as client:
        document = await ask(client, "status", route="unknown")
    assert document["error"]["code"] == "usage"
    assert "unknown" in document["error"]["message"]


async def test_what_an_agent_says_is_never_taken_for_an_option(folder):
    async with agent(folder) as client:
        document = await ask(client, "diffs", route="--config=/etc/passwd")
    assert document["error"]["code"] in ("usage", "control_missing")
    assert "/etc/passwd" not in document["error"]["message"].replace("--config=/etc/passwd", "")


async def test_code_that_was_changed_since_the_last_question_counts(folder):
    async with agent(folder) as client:
        before = await ask(client, "status")
        (folder / "gateway.toml").write_text(TOML.replace('name = "catalog"', 'name = "renamed"'))
        after = await ask(client, "status")
    assert "catalog" in [route["route"] for route in before["routes"]]
    assert "renamed" in [route["route"] for route in after["routes"]]
