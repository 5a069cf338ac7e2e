"""Each event in one sentence, and as a message in which nothing is a link."""

from __future__ import annotations

import pytest

from gateway.config.hooks import EVENTS
from gateway.control.hooks.words import slack, words

SHADOW = {"stage": "shadow", "weight_percent": None, "paused": False}
CANARY = {"stage": "canary", "weight_percent": 5.0, "paused": False}
STOPPED = CANARY | {"paused": True}
MOVE = {"route": "catalog", "who": "ada", "why": "", "from": SHADOW, "to": CANARY}
DIFFERENCE = {"route": "catalog", "severity": "breaking", "release": "r7", "template": "/a/{id}/", "summary": "no name"}

SENTENCES = {
    "before_promote": (MOVE, "ada wants to promote catalog from shadow to canary at 5 %"),
    "promote": (MOVE | {"anyway": True}, "ada promoted catalog from shadow to canary at 5 % anyway"),
    "rollback": (
        MOVE | {"from": CANARY, "to": SHADOW, "why": "errors"},
        "ada rolled back catalog from canary at 5 % to shadow: errors",
    ),
    "pause": (MOVE | {"from": CANARY, "to": STOPPED}, "ada paused catalog from canary at 5 % to canary at 5 %, paused"),
    "resume": (
        MOVE | {"from": STOPPED, "to": CANARY},
        "ada resumed catalog from canary at 5 %, paused to canary at 5 %",
    ),
    "clear": (MOVE | {"from": CANARY, "to": SHADOW}, "ada cleared catalog from canary at 5 % to shadow"),
    "hold": (
        {"route": "catalog", "from": SHADOW, "to": CANARY, "reasons": ["too few requests", "a difference"]},
        "catalog is held at shadow, and does not go to canary at 5 %: too few requests; a difference",
    ),
    "breaking_difference": (DIFFERENCE, "catalog has a breaking difference of release r7: /a/{id}/, no name"),
    "breaker_open": (
        {"host": "web1", "reason": "6 of 10 calls failed", "routes": ["catalog", "cart"]},
        "a circuit breaker has opened on web1: 6 of 10 calls failed (routes: catalog, cart)",
    ),
    "test": ({"hook": "chat"}, "a test of hook chat"),
}


@pytest.mark.parametrize("event", SENTENCES)
def test_the_sentence_of_an_event(event):
    data, sentence = SENTENCES[event]
    assert words({"type": event, "data": data}) == sentence


def test_every_event_has_one():
    assert set(EVENTS) <= set(SENTENCES)


def test_a_difference_of_no_release_names_none():
    assert words({"type": "breaking_difference", "data": DIFFERENCE | {"release": ""}}) == (
        "catalog has a breaking difference: /a/{id}/, no name"
    )


def test_a_message_for_slack_has_no_link_and_no_markup():
    message = slack({"type": "promote", "data": MOVE | {"why": "<!here> & https://evil.example"}})
    assert message == {
        "text": "ada promoted catalog from shadow to canary at 5 %: &lt;!here&gt; &amp; https:\u200b//evil.example"
    }
