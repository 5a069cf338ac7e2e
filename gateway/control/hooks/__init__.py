"""Hooks: webhooks and functions that get events of routes, and are asked before a promotion.

events.py      events, in the form that hooks get           words.py       events as sentences, for Slack
outbox.py      stores events together with the change       delivery.py    delivers stored events
asking.py      asks before a promotion                      ramp.py        asks for the ramp, without waiting
watching.py    events that no operator causes               sending.py     one call of a hook
webhook.py     calls a webhook                              signature.py   signs the request
outcome.py     the result of a call
"""

from gateway.control.hooks.sending import Refuse

__all__ = ["Refuse"]
