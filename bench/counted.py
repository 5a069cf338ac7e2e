"""The gateway of `gateway.asgi`, which counts endpoints as where gateway.control stores them; here nobody does."""

from gateway.asgi import app
from gateway.stats.traffic import Traffic

__all__ = ["app"]

app.counters.traffic = Traffic()
