"""REST framework's `APIClient`, through the gateway."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient, ForceAuthClientHandler

from gateway.testing.client import GatewayHandler

__all__ = ["GatewayAPIClient", "GatewayAPIHandler"]


class GatewayAPIHandler(GatewayHandler, ForceAuthClientHandler):
    """As GatewayHandler; `force_authenticate` applies wherever REST framework authenticates, in services too."""


class GatewayAPIClient(APIClient):
    """`rest_framework.test.APIClient`, whose requests go through the gateway; as GatewayClient."""

    def __init__(self, enforce_csrf_checks: bool = False, **defaults: Any) -> None:
        super().__init__(enforce_csrf_checks, **defaults)
        self.handler = GatewayAPIHandler(enforce_csrf_checks)
