"""The gateway of `bench.recorded`, with its results taken as often as gateway.control stores them."""

import threading
import time

from bench.recorded import app

__all__ = ["app"]


def _take() -> None:
    while True:
        time.sleep(app.config.rollout.flush)
        app.recordings.stored(app.recordings.drain())


threading.Thread(target=_take, name="flush", daemon=True).start()
