"""The ways in which a project asks other servers: `ask(method, url, body, content_type)` gives status and body."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import requests
import urllib3

__all__ = ["CLIENTS", "Ask"]

Ask = Callable[..., tuple[int, bytes]]


def by_http_client(method: str, url: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
    at = urlsplit(url)
    cls = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    connection = cls(at.netloc)
    target = f"{at.path}?{at.query}" if at.query else at.path
    try:
        connection.request(method, target, body, {"Content-Type": kind} if kind else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def by_urllib(method: str, url: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
    headers = {"Content-Type": kind} if kind else {}
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.status, answer.read()


def by_urllib3(method: str, url: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
    answer = urllib3.request(method, url, body=body, headers={"Content-Type": kind} if kind else {}, retries=False)
    return answer.status, answer.data


def by_requests(method: str, url: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(method, url, data=body, headers={"Content-Type": kind} if kind else {})
        return answer.status_code, answer.content


def by_requests_streamed(method: str, url: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Content-Type": kind} if kind else {}
        answer = session.request(method, url, data=body and iter([body[:1], body[1:]]), headers=headers, stream=True)
        return answer.status_code, b"".join(answer.iter_content(2))


def by_httpx(method: str, url: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
    with httpx.Client(trust_env=False) as client:
        answer = client.request(method, url, content=body, headers={"Content-Type": kind} if kind else {})
        return answer.status_code, answer.content


def by_httpx_streamed(method: str, url: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
    content = body and iter([body[:1], body[1:]])
    headers = {"Content-Type": kind} if kind else {}
    with (
        httpx.Client(trust_env=False) as client,
        client.stream(method, url, content=content, headers=headers) as answer,
    ):
        return answer.status_code, b"".join(answer.iter_bytes(2))


def by_async_httpx(method: str, url: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
    async def ask() -> tuple[int, bytes]:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.request(method, url, content=body, headers={"Content-Type": kind} if kind else {})
            return answer.status_code, answer.content

    return asyncio.run(ask())


CLIENTS: list[Ask] = [
    by_http_client,
    by_urllib,
    by_urllib3,
    by_requests,
    by_requests_streamed,
    by_httpx,
    by_httpx_streamed,
    by_async_httpx,
]
