"""Events as sentences, and as messages for Slack. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.rollout.stage import State

__all__ = ["escaped", "slack", "words"]

LIVELY = re.compile(r"@|\]|\bwww\.|\b[a-z][a-z0-9+.-]*:(?=\S)", re.IGNORECASE)
ZERO_WIDTH_SPACE = "\u200b"
DONE = {
    "before_promote": "wants to promote",
    "promote": "promoted",
    "rollback": "rolled back",
    "pause": "paused",
    "resume": "resumed",
    "clear": "cleared",
}


def slack(payload: Mapping[str, Any]) -> dict[str, str]:
    """The message for Slack. Texts may come from callers and operators, so nothing in it is a link or a mention."""
    return {"text": escaped(words(payload))}


def escaped(text: str) -> str:
    """`text`, with Slack's three control characters escaped
    (https://docs.slack.dev/messaging/formatting-message-text#escaping), and with a zero-width space in what Slack and
    those that are compatible (Mattermost, Discord, Rocket.Chat) take for a link or a mention without them: URLs,
    [links](…), @channel."""
    for control, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(control, entity)
    return LIVELY.sub(lambda found: f"{found[0]}{ZERO_WIDTH_SPACE}", text)


def words(payload: Mapping[str, Any]) -> str:
    """The event of a payload in one sentence."""
    kind, data = payload["type"], payload["data"]
    if kind in DONE:
        anyway = " anyway" if data.get("anyway") else ""
        why = f": {data['why']}" if data["why"] else ""
        way = f"from {_state(data['from'])} to {_state(data['to'])}"
        return f"{data['who']} {DONE[kind]} {data['route']} {way}{anyway}{why}"
    if kind == "hold":
        reasons = "; ".join(data["reasons"])
        return f"{data['route']} is held at {_state(data['from'])}, and does not go to {_state(data['to'])}: {reasons}"
    if kind == "breaking_difference":
        release = f" of release {data['release']}" if data["release"] else ""
        return f"{data['route']} has a {data['severity']} difference{release}: {data['template']}, {data['summary']}"
    if kind == "breaker_open":
        return f"a circuit breaker has opened on {data['host']}: {data['reason']} (routes: {', '.join(data['routes'])})"
    return f"a test of hook {data['hook']}"


def _state(data: Mapping[str, Any]) -> str:
    return str(State(data["stage"], data["weight_percent"] or 0.0, data["paused"]))
