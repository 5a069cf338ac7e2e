"""Other servers, in a replay: nobody is asked, and what was recorded of them is played back.

answers.py  which recorded answer a request gets
clients.py  http.client (and so requests and urllib) and httpcore (and so httpx) are given it
socket.py   what http.client has in the place of a socket
"""

from __future__ import annotations

from gateway.workbench.replay.outbound.answers import RecordedAnswers
from gateway.workbench.replay.outbound.clients import PlayedClients

__all__ = ["PlayedClients", "RecordedAnswers"]
