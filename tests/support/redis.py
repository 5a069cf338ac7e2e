"""A Redis for tests: REDIS_URL, or one on this machine. Each pytest worker has databases of its own there."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

__all__ = ["redis_url", "there_is_redis"]

SERVER = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
WORKERS = 3


def redis_url(number: int = 0) -> str:
    """Of the database `number`, 0 or 1, of this pytest worker."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    return f"{SERVER.rstrip('/')}/{10 + 2 * worker + number}"


def there_is_redis() -> bool:
    """Whether the server answers."""
    where = urlsplit(SERVER)
    try:
        socket.create_connection((where.hostname or "127.0.0.1", where.port or 6379), 1).close()
    except OSError:
        return False
    return True
