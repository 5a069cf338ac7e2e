"""Mail: a mirror sends none, and gets the number of messages as if they were sent."""

from __future__ import annotations

from typing import Any

from django.core.mail.backends.base import BaseEmailBackend

from gateway.shield.effects import note, noting
from gateway.shield.guard import GuardedCall, guard

__all__ = ["shield_mail"]

METHODS = frozenset({"close", "open", "send_messages"})


def shield_mail() -> None:
    """Make mail backends do nothing for mirrors."""
    guard(BaseEmailBackend, METHODS.__contains__, _instead, noting(_said))


def _instead(call: GuardedCall) -> int | None:
    if call.name != "send_messages":
        return None
    note(_said(call.target, call.name, call.args, call.kwargs))
    messages = [*_messages(*call.args, **call.kwargs)]
    for message in messages:
        message.message()  # raises ValueError, as sending does
    return len(messages)


def _said(_backend: BaseEmailBackend, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Each message that a backend is to send."""
    messages = args[0] if args else kwargs.get("email_messages")
    if name != "send_messages" or not isinstance(messages, list | tuple):  # other iterables can be read only once
        return []
    return [f"a mail to {len(message.recipients())}" for message in messages]


def _messages(email_messages: Any) -> Any:
    return email_messages or ()
