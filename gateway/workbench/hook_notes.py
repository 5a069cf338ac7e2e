"""The hooks of a configuration, and what is wrong with them: for `gateway check`."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.config.hooks import BEFORE, EVENTS, Hook
from gateway.wording import counted

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.control.reports import HookReport
    from gateway.workbench.runtime_states import States

__all__ = ["hook_notes"]

EXAMPLE = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")  # of docs/hooks.md and of Standard Webhooks


def hook_notes(gateway: Gateway, states: States) -> list[str]:
    """What each hook is for, and then what keeps it from its work, or from being safe. No URL and no secret."""
    hooks = gateway.config.hooks
    notes = [_described(hook) for hook in hooks]
    notes += [note for hook in hooks for note in _unsafe(hook)]
    return notes + ([*_undelivered(hooks)] if hooks and states.source == "runtime" else [])


def _described(hook: Hook) -> str:
    events = ", ".join(event for event in EVENTS if event in hook.events)
    routes = "" if hook.routes == ("*",) else f" of {', '.join(hook.routes)}"
    return f"hook {hook.name!r} calls {hook.place} for {events}{routes}"


def _unsafe(hook: Hook) -> Iterator[str]:
    if hook.url is None:
        return
    url = urlsplit(hook.url)
    if url.scheme == "http" and not _is_here(url.hostname or ""):
        yield f"hook {hook.name!r} is asked over http: whoever is between can read its events, and answer for it"
    if hook.format == "json" and not hook.secrets:
        yield f"hook {hook.name!r} has no secret: what it gets is not signed, and anybody could have sent it"
    if EXAMPLE in hook.secrets:
        yield f"hook {hook.name!r} has the secret of the documentation, which everybody knows"
    if BEFORE in hook.events and hook.on_error == "allow":
        yield f"hook {hook.name!r} lets promotions pass while it doesn't answer (on_error)"


def _is_here(host: str) -> bool:
    """Whether that is this machine. A name that has to be looked up is not known to be."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _undelivered(hooks: tuple[Hook, ...]) -> Iterator[str]:
    from django.db import DatabaseError

    from gateway.control import reports
    from gateway.workbench.database import trouble

    try:
        found = reports.hooks(hooks)
    except DatabaseError as exc:
        yield f"no hook is told of anything: {trouble(exc)}"
        return
    yield from (note for report in found for note in _failing(report))


def _failing(report: HookReport) -> Iterator[str]:
    last = report.last.problem if report.last is not None else None
    if last is not None and report.waiting:
        yield f"hook {report.hook!r}: {counted(report.waiting, 'event')} can't be delivered now: it {last}"
    if report.failed:
        yield f"hook {report.hook!r} was not told of {counted(report.failed, 'event')} in the last 30 days"
