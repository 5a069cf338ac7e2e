"""Finds stores of a project that can't be shielded from mirrors, because they are of an unknown class."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache.backends.base import BaseCache
from django.core.files.storage import Storage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.module_loading import import_string

__all__ = ["unshielded"]


def unshielded() -> list[str]:
    """Every setting that names a store which mirrors would share with callers, in words. If there are any, none are
    made."""
    other = [(key, name, base) for key, name, base in _named() if _other(name, base)]
    return [f"{key} = {name!r} is no subclass of {base.__qualname__}" for key, name, base in other]


def _named() -> Iterator[tuple[str, str, type]]:
    for alias, cache in settings.CACHES.items():
        yield f"CACHES[{alias!r}]", cache.get("BACKEND", ""), BaseCache
    for alias, storage in settings.STORAGES.items():
        yield f"STORAGES[{alias!r}]", storage.get("BACKEND", ""), Storage
    for key, backend in _mail():
        yield key, backend, BaseEmailBackend
    yield "SESSION_ENGINE", settings.SESSION_ENGINE, SessionBase
    for alias, layer in getattr(settings, "CHANNEL_LAYERS", {}).items():
        base: type = import_string("channels.layers.BaseChannelLayer")  # optional, without type information
        yield f"CHANNEL_LAYERS[{alias!r}]", layer.get("BACKEND", ""), base


def _mail() -> Iterator[tuple[str, str]]:
    """From Django 6.1 on MAILERS replaces EMAIL_BACKEND, which must not be read then."""
    if django.VERSION >= (6, 1) and hasattr(settings, "MAILERS"):
        for alias, mailer in settings.MAILERS.items():
            yield f"MAILERS[{alias!r}]", mailer.get("BACKEND", "")
        return
    with warnings.catch_warnings(action="ignore"):  # Django has already warned that it is deprecated
        backend = settings.EMAIL_BACKEND
    yield "EMAIL_BACKEND", backend


def _other(name: str, base: type) -> bool:
    """Whether `name` names another class. A name that can't be imported is never used."""
    try:
        found: Any = import_module(name).SessionStore if base is SessionBase else import_string(name)
    except (ImportError, AttributeError):
        return False
    return not (isinstance(found, type) and issubclass(found, base))
