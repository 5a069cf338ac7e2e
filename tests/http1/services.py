"""Services that say what they see."""

from fastapi import FastAPI, Request, WebSocket

from gateway.bridge import csrf_exempt

ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE"]
SEEN = ("cookie", "x-remote-user", "x-forwarded-user", "x-one", "upgrade", "expect", "transfer-encoding")


async def seen_by_service(request, body: bytes) -> dict:
    """What a service sees."""
    scope = request.scope
    return {
        "method": scope.get("method", "WEBSOCKET"),
        "path": scope["path"],
        "query": scope["query_string"].decode("latin-1"),
        "host": request.url.netloc,
        "scheme": request.url.scheme,
        "client": request.client.host if request.client else "",
        "user": (await scope["django.request"].auser()).get_username() if "django.request" in scope else None,
        "body": body.decode("latin-1"),
        **{name: ",".join(request.headers.getlist(name)) for name in SEEN},
    }


def service(prefix: str) -> FastAPI:
    """A service that says so on every path below `prefix`."""
    app = FastAPI(docs_url=None, openapi_url=None)

    @app.api_route(prefix + "/{rest:path}", methods=ANY)
    @csrf_exempt
    async def echo(request: Request, rest: str) -> dict:
        return await seen_by_service(request, await request.body())

    @app.websocket(prefix + "/{rest:path}")
    async def socket(websocket: WebSocket, rest: str) -> None:
        await websocket.accept()
        await websocket.send_json(await seen_by_service(websocket, b""))
        await websocket.close()

    return app


plain, bridged, far = service("/plain"), service("/bridged"), service("/far")
