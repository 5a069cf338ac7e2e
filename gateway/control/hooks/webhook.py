"""Posts an event to a webhook, with limits for the time and for the size of the response."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from gateway.clock import Clock
from gateway.config.hooks import BEFORE, Hook
from gateway.control.hooks.outcome import CallResult, readable
from gateway.control.hooks.signature import signed_headers
from gateway.control.hooks.words import slack

if TYPE_CHECKING:
    import httpx

__all__ = ["posted"]

REFUSALS = frozenset([403, 409, 422])  # statuses with which a webhook refuses a promotion
LATER = frozenset([429, 503])  # whose Retry-After says when to call again (RFC 9110, 10.2.3, and RFC 6585, 4)
MOST_ANSWER = 64 * 1024  # bytes of an answer that are read
SHORTEST_KEY = 8  # characters of a part of a URL that may be a key; shorter ones are words


class _Answer(NamedTuple):
    """The status, the beginning of the body, and Retry-After, "" if there is none."""

    status: int
    body: bytes
    retry_after: str


def posted(hook: Hook, payload: Mapping[str, Any], clock: Clock) -> CallResult:
    """Post the event of `payload`. Raises nothing: what fails is a problem, in words without the hook's keys."""
    try:
        answer = asyncio.run(_in_time(hook, payload, clock))
    except TimeoutError:
        return CallResult(f"did not answer in {hook.timeout:g} s")
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - whatever the network or a proxy brings
        return CallResult(f"can't be reached: {_said(hook, str(exc)) or type(exc).__name__}")
    return _judged(hook, payload, answer, clock)


def _judged(hook: Hook, payload: Mapping[str, Any], answer: _Answer, clock: Clock) -> CallResult:
    status = answer.status
    if 200 <= status < 300:
        return CallResult(status=status)
    if payload["type"] == BEFORE and status in REFUSALS:
        reason = _said(hook, _reason(answer.body)) or f"answered {status} without a reason"
        return CallResult(status=status, reason=reason)
    where = "; redirects are not followed" if 300 <= status < 400 else ""
    said = _said(hook, answer.body.decode("utf-8", "replace"))
    again = _seconds(answer.retry_after, clock) if status in LATER else None
    return CallResult(f"answered {status}{where}{f': {said}' if said else ''}", status=status, again=again)


async def _in_time(hook: Hook, payload: Mapping[str, Any], clock: Clock) -> _Answer:
    return await asyncio.wait_for(_exchanged(hook, payload, clock), hook.timeout)


async def _exchanged(hook: Hook, payload: Mapping[str, Any], clock: Clock) -> _Answer:
    import httpx

    message = slack(payload) if hook.format == "slack" else payload
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    headers = _headers(hook) | signed_headers(payload["id"], int(clock.time()), body, hook.secrets)
    request = httpx.Request("POST", hook.url or "", headers=headers, content=body)
    # Not an httpx.Client: it logs every URL, which for Slack is the key.
    async with httpx.AsyncHTTPTransport(proxy=_proxy(hook.url or "")) as transport:
        response = await transport.handle_async_request(request)
        try:
            later = response.headers.get("retry-after", "")
            return _Answer(response.status_code, await _beginning(response), later)
        finally:
            await response.aclose()


async def _beginning(response: httpx.Response) -> bytes:
    found = bytearray()
    async for chunk in response.aiter_raw():
        found += chunk
        if len(found) >= MOST_ANSWER:
            break
    return bytes(found[:MOST_ANSWER])


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


# -- what it answers -------------------------------------------------------------------------------


def _reason(answer: bytes) -> str:
    """The reason in the body of a refusal; "" if it has none."""
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    reason = document.get("reason") if isinstance(document, dict) else None
    return reason if isinstance(reason, str) else ""


def _seconds(retry_after: str, clock: Clock) -> float | None:
    """How long Retry-After asks to wait: it is a number of seconds or a date. None for anything else."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:10])
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - clock.time())


def _said(hook: Hook, text: str) -> str:
    """The beginning of what was answered or raised, without what of the hook's URL may be a key."""
    for key in sorted(_keys(hook.url or ""), key=len, reverse=True):
        text = text.replace(key, "…")
    return readable(text)


def _keys(address: str) -> Iterator[str]:
    """The URL, and those of its parts that may be keys, as they are written and as they are meant."""
    url = urlsplit(address)
    proxy = urlsplit(_proxy(address) or "")
    yield from (part for part in (address, url.path, url.query) if len(part) > 1)
    parts = [*url.path.split("/"), *(value for _, value in parse_qsl(url.query)), url.query]
    secrets = [part for one in (url, proxy) for part in (one.username, one.password) if part]
    for part in [*(part for part in parts if len(part) >= SHORTEST_KEY), *secrets]:
        yield from (part, unquote(part), quote(part, safe=""), quote_plus(unquote(part)))
