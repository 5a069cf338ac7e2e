"""The project's settings that the gateway uses, read once: only tests change them while a process runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from gateway.legacy.patterns import patterns_of
from gateway.legacy.proxy_settings import DjangoProxySettings

__all__ = ["ProjectSettings", "admin_paths", "read_settings"]


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """`script_name` is FORCE_SCRIPT_NAME without a slash at the end, `memory` the number of bytes of a body that are
    held in memory, `proxy` how a proxy's headers are read, None when none are."""

    script_name: str
    memory: int
    session_cookie: bytes
    kept_cookies: Sequence[bytes]
    secrets: Sequence[str | bytes]
    proxy: DjangoProxySettings | None


def read_settings() -> ProjectSettings:
    """The current settings."""
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
    """The paths of the project's admin sites; empty when they can't be determined."""
    try:
        return patterns_of(settings.ROOT_URLCONF).admins
    except Exception:  # noqa: BLE001 - a pattern of the project's own making: it is served all the same
        return ()
