"""Options of a test run, shared by `manage.py test` and pytest."""

from __future__ import annotations

from typing import Any

__all__ = ["OPTIONS"]

OPTIONS: dict[str, dict[str, Any]] = {
    "--gateway-config": {
        "metavar": "PATH",
        "help": "the gateway's configuration (default: GATEWAY_CONFIG, gateway.toml or [tool.gateway] here; without "
        "any, Django answers everything)",
    },
    "--gateway-stage": {
        "metavar": "STAGE",
        "action": "append",
        "help": "where the routes are in this run: file (default), database (as `gateway status` says), a stage such "
        "as live, or ROUTE=STAGE; may be given several times",
    },
    "--gateway-allow-none": {
        "action": "store_true",
        "help": "don't fail when no request went through the gateway",
    },
}
