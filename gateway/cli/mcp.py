"""`gateway mcp`: an MCP server for coding agents (Model Context Protocol)."""

from __future__ import annotations

import typer

from gateway.cli.common import ConfigOption, config_path, fail

__all__ = ["EPILOG", "mcp"]

EPILOG = """\
\b
Examples:
  claude mcp add gateway -- gateway mcp --config /srv/shop/gateway.toml
  {"mcpServers": {"gateway": {"command": "gateway", "args": ["mcp"], "cwd": "/srv/shop"}}}

It uses standard input and output, and is started by the agent. Its tools are inventory, brief, scaffold (which \
writes nothing), verify, diffs and status; none of them changes a route. Needs the extra "mcp". docs/agents.md has more.
"""


def mcp(context: typer.Context, config: ConfigOption = None) -> None:
    """Give a coding agent the results of the commands (Model Context Protocol)."""
    path = config_path(context, config)
    try:
        from gateway.workbench.agent_tools import tools
    except ModuleNotFoundError as exc:
        fail(f"there is no {exc.name} here", hint="pip install 'django-fastapi-gateway[mcp]'")
    tools(path.resolve()).run("stdio")
