"""Requests to other servers, in a replay: recorded responses are played back, and nothing is sent.

answers.py  finds the recorded response for a request
clients.py  gives it to http.client (so to requests and urllib) and httpcore (so to httpx)
socket.py   replaces the socket of http.client
"""

from __future__ import annotations

from gateway.workbench.replay.outbound.answers import RecordedAnswers
from gateway.workbench.replay.outbound.clients import PlayedClients

__all__ = ["PlayedClients", "RecordedAnswers"]
