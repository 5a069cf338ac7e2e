"""The gateway of a test run: where it finds its services, and what is left of one that doesn't start."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI

from gateway import Gateway
from gateway.testing import GatewayClient
from gateway.testing.live import LiveGateway, configure, running
from tests.testing.conftest import CONFIG

SERVICE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

app = Starlette(routes=[Route("/beside/", lambda request: PlainTextResponse("beside the file"))])
"""
TOML = """
[legacy]
settings = "legacy.settings"

[services.beside]
app = "beside_the_file:app"
middleware = "none"

[[routes]]
name = "beside"
prefix = "/beside"
service = "beside"
"""


@pytest.mark.usefixtures("_gateway_configured")
def test_modules_beside_the_file_are_imported_as_by_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "beside_the_file.py").write_text(SERVICE)
    (tmp_path / "gateway.toml").write_text(TOML)
    configure(tmp_path / "gateway.toml")
    try:
        response = GatewayClient().get("/beside/")
        assert (response.content, response.served_by) == (b"beside the file", "beside")
        assert repr(running()).startswith("LiveGateway(")
    finally:
        configure(CONFIG)


@asynccontextmanager
async def broken(_: FastAPI) -> AsyncIterator[None]:
    raise RuntimeError("no connection to the stock")
    yield


app = FastAPI(lifespan=broken)


def test_one_whose_service_does_not_start_leaves_no_thread():
    services = {"stock": {"app": f"{__name__}:app", "middleware": "none"}}
    live = LiveGateway(Gateway({"legacy": {"settings": "legacy.settings"}, "services": services}))
    with pytest.raises(RuntimeError, match="no connection to the stock"):
        live.start()
    assert not [thread for thread in threading.enumerate() if thread is live._thread]
