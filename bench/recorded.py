"""The gateway of `gateway.asgi`, which records every request, as for `gateway record`; here nobody stores it."""

from gateway.asgi import app
from gateway.recording.plan import Plan, Selection, Target

__all__ = ["app"]

FOREVER = 4e9  # seconds since 1970
app.recordings.follow([Plan("bench", FOREVER, b"bench", Selection((Target(template="/{rest:path}"),)))])
