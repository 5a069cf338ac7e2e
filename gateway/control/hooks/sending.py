"""One call of a hook, limited in time. Nothing of it is done on the thread of who asks for it."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from gateway.clock import SYSTEM, Clock
from gateway.config.hooks import BEFORE, Hook
from gateway.control.database import let_go
from gateway.control.hooks.signature import signed_headers
from gateway.control.hooks.words import slack
from gateway.upstreams.importing import ImportStringError, import_from_string

if TYPE_CHECKING:
    import httpx

__all__ = ["CallResult", "HookCall", "Refuse"]

REFUSALS = frozenset([403, 409, 422])  # statuses with which a webhook refuses a promotion
MOST_ANSWER = 64 * 1024  # bytes of an answer that are read
MOST_WORDS = 300  # characters of an answer that are kept
PATIENCE = 0.5  # seconds after the time-out until a call is given up


class Refuse(Exception):
    """Raised by a function before a promotion, to refuse it. The message is the reason."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """What came of a call: `problem` in words, "" if it succeeded; `status` is that of a webhook's answer. `reason`
    is why it refuses a promotion, None unless it does: then it has succeeded, too."""

    problem: str = ""
    status: int | None = None
    reason: str | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the hook took the event, or answered."""
        return not self.problem


class HookCall:
    """One call of `hook`, on a thread of its own, begun at once.

    A webhook's call ends with its time-out. A function can't be interrupted: it is left behind.
    """

    def __init__(self, hook: Hook, payload: Mapping[str, Any], clock: Clock = SYSTEM) -> None:
        self.hook = hook
        self._payload = payload
        self._clock = clock
        self._began = clock.monotonic()
        self._outcome: CallResult | None = None
        # A daemon: a function that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"gateway-hook-{hook.name}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether its thread still runs, be it left behind."""
        return self._thread.is_alive()

    @property
    def outcome(self) -> CallResult | None:
        """What came of it; None while that is not known."""
        if self._outcome is None and self._left() <= 0:
            self._outcome = CallResult(f"did not answer in {self.hook.timeout:g} s", seconds=self._took())
        return self._outcome

    def wait(self) -> CallResult:
        """Wait for what comes of it."""
        self._thread.join(max(0.0, self._left()))
        return self.outcome or CallResult(f"did not answer in {self.hook.timeout:g} s", seconds=self._took())

    def _took(self) -> float:
        return self._clock.monotonic() - self._began

    def _left(self) -> float:
        """Seconds until it is given up."""
        return self.hook.timeout + PATIENCE - self._took()

    def _run(self) -> None:
        outcome = _posted(self.hook, self._payload, self._clock) if self.hook.url else _called(self.hook, self._payload)
        if self._outcome is None:  # else it was given up
            self._outcome = replace(outcome, seconds=self._took())


# -- functions -----------------------------------------------------------------------------------


def _called(hook: Hook, payload: Mapping[str, Any]) -> CallResult:
    # A copy of its own: it may change it.
    event = json.loads(json.dumps(payload))
    try:
        answer = import_from_string(hook.call or "")(event)
    except Refuse as exc:
        return CallResult(reason=_readable(str(exc)) or "without a reason")
    except ImportStringError as exc:
        return CallResult(f"can't be imported: {_readable(str(exc))}")
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - it may raise whatever it likes
        return CallResult(f"raised {type(exc).__name__}: {_readable(str(exc))}")
    finally:
        let_go()  # of connections that it has opened on this thread
    if payload["type"] != BEFORE or answer is None:
        return CallResult()
    if not isinstance(answer, str) or not answer.strip():
        return CallResult(
            f"returned a value of type {type(answer).__name__}: None allows, a text with a reason refuses"
        )
    return CallResult(reason=_readable(answer))


# -- webhooks ------------------------------------------------------------------------------------


def _posted(hook: Hook, payload: Mapping[str, Any], clock: Clock) -> CallResult:
    try:
        status, answer = asyncio.run(_in_time(hook, payload, clock))
    except TimeoutError:
        return CallResult(f"did not answer in {hook.timeout:g} s")
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - whatever the network or a proxy brings
        return CallResult(f"can't be reached: {_without_keys(hook, _readable(str(exc)) or type(exc).__name__)}")
    if 200 <= status < 300:
        return CallResult(status=status)
    if payload["type"] == BEFORE and status in REFUSALS:
        return CallResult(status=status, reason=_reason(answer) or f"answered {status} without a reason")
    where = "; redirects are not followed" if 300 <= status < 400 else ""
    said = _without_keys(hook, _readable(answer.decode("utf-8", "replace")))
    return CallResult(f"answered {status}{where}{f': {said}' if said else ''}", status=status)


async def _in_time(hook: Hook, payload: Mapping[str, Any], clock: Clock) -> tuple[int, bytes]:
    return await asyncio.wait_for(_exchanged(hook, payload, clock), hook.timeout)


async def _exchanged(hook: Hook, payload: Mapping[str, Any], clock: Clock) -> tuple[int, bytes]:
    """Post the event. Returns the status and the beginning of the answer."""
    import httpx

    message = slack(payload) if hook.format == "slack" else payload
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    headers = _headers(hook) | signed_headers(payload["id"], int(clock.time()), body, hook.secret)
    request = httpx.Request("POST", hook.url or "", headers=headers, content=body)
    # Not an httpx.Client: it logs every URL, which for Slack is the key.
    async with httpx.AsyncHTTPTransport(proxy=_proxy(hook.url or "")) as transport:
        response = await transport.handle_async_request(request)
        try:
            return response.status_code, await _beginning(response)
        finally:
            await response.aclose()


async def _beginning(response: httpx.Response) -> bytes:
    found = b""
    async for chunk in response.aiter_raw():
        found += chunk
        if len(found) >= MOST_ANSWER:
            break
    return found[:MOST_ANSWER]


def _headers(hook: Hook) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "django-fastapi-gateway",
    }
    url = urlsplit(hook.url or "")
    if url.username is not None:
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return headers


def _proxy(url: str) -> str | None:
    """The proxy that the environment has for `url`: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, and not those in NO_PROXY."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _reason(answer: bytes) -> str:
    """The reason in the body of a refusal; "" if it has none."""
    try:
        document = json.loads(answer)
    except ValueError:
        return ""
    reason = document.get("reason") if isinstance(document, dict) else None
    return _readable(reason) if isinstance(reason, str) else ""


def _readable(text: str) -> str:
    """The beginning of `text`, in one line, without control characters: it may be shown on a terminal."""
    line = " ".join(text.split())
    clean = "".join(letter for letter in line if letter.isprintable())
    return clean if len(clean) <= MOST_WORDS else f"{clean[: MOST_WORDS - 1]}…"


def _without_keys(hook: Hook, text: str) -> str:
    """`text` without the parts of the hook's URL that may be keys."""
    url = urlsplit(hook.url or "")
    for part in (hook.url, url.path, url.query, url.password):
        if part and len(part) > 1:
            text = text.replace(part, "…")
    return text
