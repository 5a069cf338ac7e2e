"""`explain` as a form: which upstream would answer a request, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from django.http import QueryDict

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["METHODS", "Explanation", "Question", "explanation", "question_in"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET")
LONGEST = 2000  # characters of each field


@dataclass(frozen=True, slots=True)
class Question:
    """The request in question. Without `user`, it is somebody who isn't logged in."""

    method: str = "GET"
    path: str = ""
    user: str = ""
    client: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer as `gateway explain` gives it; or `problem`, in words."""

    found: dict[str, Any] | None
    problem: str = ""


def question_in(form: QueryDict) -> Question:
    """What a form asks; a field that was left out has its default."""
    method = form.get("method", "GET").upper()
    return Question(
        method=method if method in METHODS else "GET",
        path=form.get("path", "").strip()[:LONGEST],
        user=form.get("user", "").strip()[:LONGEST],
        client=form.get("client", "").strip()[:LONGEST] or "127.0.0.1",
    )


def explanation(gateway: Gateway, asked: Question) -> Explanation:
    """What would happen to that request now, in this process. Nothing is sent."""
    from gateway.rollout.cohort import NOBODY_KNOWN
    from gateway.workbench.caller import NoSuchUser, caller_named
    from gateway.workbench.explain import explained, own_host, scope_of

    path = asked.path if asked.path.startswith(("/", "http://", "https://")) else f"/{asked.path}"
    try:
        caller = caller_named(asked.user) if asked.user else NOBODY_KNOWN
        scope = scope_of(asked.method, path, [], default_host=own_host(gateway), client=asked.client)
        return Explanation(explained(gateway, scope, caller))
    except (NoSuchUser, DatabaseError, ValueError) as exc:
        return Explanation(None, str(exc))
