"""What the gateway goes by in the project's settings, read at once: only tests change them while a process runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from gateway.legacy.patterns import patterns_of
from gateway.legacy.proxy_settings import DjangoProxySettings

__all__ = ["ProjectSettings", "admin_paths", "read_settings"]


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """`script_name` is FORCE_SCRIPT_NAME without a slash at the end, `memory` how many bytes of a body are held in
    memory, `proxy` what is read of a proxy's headers, None where nothing is."""

    script_name: str
    memory: int
    session_cookie: bytes
    kept_cookies: Sequence[bytes]
    secrets: Sequence[str | bytes]
    proxy: DjangoProxySettings | None


def read_settings() -> ProjectSettings:
    """The settings as they are now."""
    proxy = DjangoProxySettings()
    return ProjectSettings(
        script_name=(settings.FORCE_SCRIPT_NAME or "").rstrip("/"),
        memory=settings.FILE_UPLOAD_MAX_MEMORY_SIZE,
        session_cookie=settings.SESSION_COOKIE_NAME.encode(),
        kept_cookies=(settings.LANGUAGE_COOKIE_NAME.encode(),),
        secrets=[settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS],
        proxy=proxy if proxy.names else None,
    )


def admin_paths() -> tuple[str, ...]:
    """Where the project's admins are; nothing where that can't be told."""
    try:
        return patterns_of(settings.ROOT_URLCONF).admins
    except Exception:  # noqa: BLE001 - a pattern of the project's own making: it is served all the same
        return ()
