"""The tools for coding agents over the Model Context Protocol: commands that read, and none that changes a route.

Each tool runs the command of its name with `--json` in a process of its own: an agent changes the code between two
calls, and the answer must be that of the present code. docs/cli-json.md describes the answers.
"""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

__all__ = ["CommandRunner", "tools"]

LONGEST = 900.0  # seconds that a command may take: replaying a corpus takes longest
NEXT = 5  # endpoints that are recommended
SHOWN = 2000  # characters of the output of a command that fails without a document

INSTRUCTIONS = """\
The endpoints of a Django project are moved to FastAPI services, one at a time, behind a gateway. Start with \
`inventory` or `status`; read `brief` before you write an endpoint; take the text of `scaffold` as the first draft; \
`verify` says whether the new endpoint equals the old one, and what to do next. Moving a route is a person's decision: \
`gateway promote`.
"""

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
# Its results are stored as evidence.
PROVES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

EndpointName = Annotated[str, Field(description='such as "GET /api/products/{id}/", or the dotted name of its view')]
EndpointPart = Annotated[
    str | None,
    Field(description="a part of paths, URLs' names or views, for some of a large project's endpoints; null for all"),
]
RouteName = Annotated[str, Field(description="the name of a route in gateway.toml")]
AnyRoute = Annotated[str | None, Field(description="the name of a route in gateway.toml; null for all of them")]


class CommandRunner:
    """Runs commands of the gateway with the configuration at `config`; None: the one found in the folder."""

    def __init__(self, config: Path | None) -> None:
        self._before = [] if config is None else ["--config", str(config)]

    async def ask(self, command: str, *arguments: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
        """The document that `command` prints; with `error` in it if it refuses. Raises ToolError for anything else.

        `arguments` come from an agent, and are never parsed as options.
        """
        line = [sys.executable, "-m", "gateway", *self._before, command, "--json", *options, "--", *arguments]
        process = await asyncio.create_subprocess_exec(
            *line, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(LONGEST):
                printed, said = await process.communicate()
        except TimeoutError:
            raise ToolError(f"gateway {command} took longer than {LONGEST:g} seconds") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            document: dict[str, Any] = json.loads(printed)
        except ValueError:
            words = said.decode(errors="replace").strip()[-SHOWN:]
            raise ToolError(f"gateway {command} ended with status {process.returncode}: {words}") from None
        return document


def tools(config: Path | None) -> MCPServer:
    """A server of these tools, for `run("stdio")`."""
    commands = CommandRunner(config)
    server = MCPServer(
        "django-fastapi-gateway",
        instructions=INSTRUCTIONS,
        version=version("django-fastapi-gateway"),
        log_level="WARNING",
    )

    @server.tool(annotations=READS)
    async def inventory(text: EndpointPart = None) -> dict[str, Any]:
        """The endpoints of the Django project: method, path, view, file, who serves it, traffic; and which five to move
        next. Those of installed packages, only if `text` names them."""
        return await commands.ask("inventory", *_given(text), options=(f"--next={NEXT}",))

    @server.tool(annotations=READS)
    async def brief(endpoint: EndpointName) -> dict[str, Any]:
        """All that is needed to rewrite one endpoint: the source of its view, serializers and permissions, its queryset
        as SQL, where its URL is used, and what the scaffold would write."""
        return await commands.ask("brief", endpoint)

    @server.tool(annotations=READS)
    async def scaffold(
        endpoint: EndpointName,
        service: Annotated[str, Field(description="the service that gets it")],
        rewrite: Annotated[bool, Field(description="Pydantic models instead of the project's serializers")] = False,
    ) -> dict[str, Any]:
        """What the scaffold would write for an endpoint. Nothing is written."""
        options = ("--dry-run", f"--service={service}", *(("--rewrite",) if rewrite else ()))
        return await commands.ask("scaffold", endpoint, options=options)

    @server.tool(annotations=PROVES)
    async def verify(route: RouteName) -> dict[str, Any]:
        """Whether a moved endpoint equals the old one, by its contract, by generated requests that both sides get on a
        copy of the database, and by its traffic; and what to do next."""
        return await commands.ask("verify", route, options=("--generate",))

    @server.tool(annotations=READS)
    async def diffs(route: AnyRoute = None) -> dict[str, Any]:
        """What differed between both sides for real callers, redacted, the worst first."""
        return await commands.ask("diffs", *_given(route))

    @server.tool(annotations=READS)
    async def status(route: AnyRoute = None) -> dict[str, Any]:
        """The stages of routes, their traffic, and the guard's verdict."""
        return await commands.ask("status", *_given(route))

    return server


def _given(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)
