"""The application for any ASGI server: `uvicorn gateway.asgi:app`.

The configuration is the file that `gateway.config.find` finds. When it is invalid, the process exits with status 3, as
uvicorn does for every failure to start.
"""

from __future__ import annotations

import sys

from gateway.app import Gateway
from gateway.config.problems import ConfigError

__all__ = ["app"]

STARTUP_FAILURE = 3

try:
    app = Gateway.from_file()
except ConfigError as exc:
    sys.stderr.write(f"{exc}\n")
    raise SystemExit(STARTUP_FAILURE) from None
