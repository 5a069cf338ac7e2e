"""The project's own ASGI application, as the documentation of Channels has it."""

from __future__ import annotations

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

__all__ = ["application"]


class Consumer(AsyncJsonWebsocketConsumer):
    """Says who opened the socket."""

    async def connect(self) -> None:
        await self.accept()
        await self.send_json({"work": self.scope["user"].get_username()})
        await self.close()


application: Any = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AuthMiddlewareStack(URLRouter([path("consumer/", Consumer.as_asgi())])),
    }
)
