"""Hooks: who is told of changes of routes, and asked before a promotion.

events.py      what happened, as hooks get it    words.py       the same in words
outbox.py      stored with the change itself     delivery.py    delivers what is stored
asking.py      before a promotion                ramp.py        the same, without waiting
watching.py    breakers, first differences       sending.py     one call of a hook
webhook.py     the call of a webhook             signature.py   of a webhook
outcome.py     what came of a call
"""

from gateway.control.hooks.sending import Refuse

__all__ = ["Refuse"]
