"""Serves the project's static files, with WhiteNoise, and media files while DEBUG is on.

`runserver` serves both only in development, and a project behind a web server leaves both to that. Under the gateway
the admin's style sheets are served in both cases.
"""

from __future__ import annotations

import asyncio
import stat
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import urlsplit

from django.conf import settings
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send
from whitenoise.middleware import WhiteNoiseMiddleware

from gateway.compat.django import forget_lazy, forget_settings
from gateway.dispatch.disconnect import until_gone
from gateway.legacy.body import BLOCK
from gateway.legacy.environ import add_headers

__all__ = ["Static", "build_static"]

# Middleware that serves STATIC_URL; a project that has one keeps using it.
_OWN = ("whitenoise.", "servestatic.")


class _StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise with the project's own WHITENOISE_… settings.

    Where nothing was collected (no STATIC_ROOT, or an empty one), the finders are used, as in development.
    """

    def __init__(self) -> None:
        super().__init__(None, settings)
        if not self.autorefresh and not self.files:
            self.add_files_from_finders()

    def add_files(self, root: str, prefix: str | None = None) -> None:
        from pathlib import Path

        if self.autorefresh or Path(root).is_dir():  # otherwise WhiteNoise warns; it may be created later
            super().add_files(root, prefix)


class _Media(StaticFiles):
    """Serves MEDIA_ROOT. Paths that aren't files there go to Django: a view may serve them, or it is a 404."""

    def has(self, path: str) -> bool:
        try:
            _, found = self.lookup_path(path)
        except (OSError, ValueError):  # a name that is too long, or holds a null byte
            return False
        return found is not None and stat.S_ISREG(found.st_mode)


class Static:
    """Answers GET and HEAD for static files. `find` is a dictionary lookup unless DEBUG is on."""

    def __init__(self) -> None:
        self._files = _StaticFiles()
        self._media: tuple[str, _Media] | None = None
        media_url = settings.MEDIA_URL
        if settings.DEBUG and str(settings.MEDIA_ROOT) and media_url.startswith("/") and media_url != "/":
            self._media = (media_url, _Media(directory=settings.MEDIA_ROOT, check_dir=False))

    def find(self, path: str) -> Any:
        """An object to pass to `answer`, or None when `path` (relative to the root) is not a static file."""
        if self._media is not None and path.startswith(self._media[0]):
            prefix, media = self._media
            return self._media if media.has(path[len(prefix) :]) else None
        if not self._files.autorefresh:
            return self._files.files.get(path)
        return self._files.find_file(path) if path.startswith(self._files.static_prefix) else None

    async def answer(self, found: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what `find` returned."""
        if found is self._media and self._media is not None:
            prefix, app = self._media
            root = scope.get("root_path", "") + prefix.rstrip("/")
            await ExceptionMiddleware(app)({**scope, "root_path": root}, receive, send)
            return
        headers: dict[str, str] = {}
        add_headers(headers, scope["headers"])
        response = await asyncio.to_thread(found.get_response, scope["method"], headers)
        await send(_start(response.status, response.headers))
        if response.file is not None:
            await until_gone(receive, _send_file(response.file, send))
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _start(status: HTTPStatus, headers: list[tuple[str, str]]) -> Message:
    lines = [(name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in headers]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append((b"content-length", b"0"))
    return {"type": "http.response.start", "status": int(status), "headers": lines}


async def _send_file(file: IO[bytes], send: Send) -> None:
    try:
        while chunk := await asyncio.to_thread(file.read, BLOCK):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        file.close()


def build_static() -> Static | None:
    """The project's static files; None when it has none or serves them by itself."""
    try:
        return Static() if _for_us() else None
    finally:
        _forget_urls()


def _for_us() -> bool:
    url = settings.STATIC_URL
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS or not url or urlsplit(url).netloc:
        return False
    return not any(name.startswith(_OWN) for name in settings.MIDDLEWARE)


def _forget_urls() -> None:
    """Make the first request compute STATIC_URL and MEDIA_URL.

    Django caches both when they are first used, prefixed with the path that the site is served under; here, before any
    request, that path isn't known.
    """
    forget_settings("STATIC_URL", "MEDIA_URL")
    if "django.contrib.staticfiles" in settings.INSTALLED_APPS:
        from django.contrib.staticfiles.storage import staticfiles_storage

        forget_lazy(staticfiles_storage)
