"""The stub supplier, as its own small HTTP server."""

import asyncio
import re
import socket
import subprocess
import sys
import time

import httpx
import pytest

from legacy.suppliers.stub import StubSupplier, serving

pytestmark = pytest.mark.long

CONNECTIONS = 100


def address(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    parts = httpx.URL(url)
    return parts.host, parts.port or 80


def test_the_same_sku_has_the_same_price_for_ever() -> None:
    with serving(StubSupplier()) as url:
        assert httpx.get(f"{url}/suppliers/acme/quotes/AG-00001").json() == {
            "supplier": "acme",
            "sku": "AG-00001",
            "price": "50.90",
            "currency": "EUR",
            "delivery_days": 3,
        }


def test_suppliers_differ() -> None:
    with serving(StubSupplier()) as url:
        prices = {httpx.get(f"{url}/suppliers/{name}/quotes/AG-1").json()["price"] for name in ("a", "b", "c")}
    assert len(prices) == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/suppliers/acme/quotes/", 404),
        ("POST", "/suppliers/acme/quotes/AG-1", 405),
        ("GET", "/suppliers/globex/quotes/AG-1", 503),
    ],
)
def test_what_it_does_not_answer(method: str, path: str, status: int) -> None:
    with serving(StubSupplier(down=["globex"])) as url:
        assert httpx.request(method, url + path, content=b"x" * (method == "POST")).status_code == status


def test_a_connection_carries_many_requests() -> None:
    with serving(StubSupplier()) as url, socket.create_connection(address(url)) as peer:
        request = b"GET /suppliers/acme/quotes/AG-1 HTTP/1.1\r\nHost: x\r\n\r\n"
        for _ in range(3):
            peer.sendall(request)
            assert peer.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_caller_who_asks_for_it_is_hung_up_on() -> None:
    with serving(StubSupplier()) as url:
        response = httpx.get(f"{url}/suppliers/acme/quotes/AG-1", headers={"Connection": "close"})
    assert response.headers["Connection"] == "close"


@pytest.mark.slow
def test_many_connections_wait_at_the_same_time() -> None:
    async def ask_all(url: str) -> list[int]:
        limits = httpx.Limits(max_connections=CONNECTIONS)
        async with httpx.AsyncClient(limits=limits, timeout=10) as client:
            urls = [f"{url}/suppliers/acme/quotes/AG-{number}" for number in range(CONNECTIONS)]
            return [response.status_code for response in await asyncio.gather(*map(client.get, urls))]

    with serving(StubSupplier(latency=0.2)) as url:
        started = time.perf_counter()
        assert asyncio.run(ask_all(url)) == [200] * CONNECTIONS
    assert time.perf_counter() - started < CONNECTIONS * 0.2 / 4


def test_it_runs_from_the_command_line() -> None:
    command = [sys.executable, "-m", "legacy.suppliers.stub", "--port", "0", "--latency", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            announced = re.search(r"http://\S+:\d+", process.stdout.readline() if process.stdout else "")
            assert announced is not None
            assert httpx.get(f"{announced[0]}/suppliers/acme/quotes/AG-1").status_code == 200
        finally:
            process.terminate()
