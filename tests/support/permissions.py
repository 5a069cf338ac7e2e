"""Content types and permissions after a flush: put back as they were, in two statements.

A test that uses transactions ends with a flush, after which Django finds out anew, app by app, which content types and
permissions there should be. That took as long as the test itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.management import create_contenttypes
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.db.models import Model
from django.db.models.signals import post_migrate

PERMISSIONS = "django.contrib.auth.management.create_permissions"  # the dispatch_uid


Rows = dict[str, list[list[Model]]]  # by alias of the database: its content types, and its permissions


def present() -> Rows:
    """What the test databases have. Leaves no connection open."""
    try:
        return {alias: [[*model.objects.using(alias)] for model in (ContentType, Permission)] for alias in connections}
    finally:
        connections.close_all()


@contextmanager
def restored_after_flush(kept: Rows) -> Iterator[None]:
    """In this block, `kept` comes back after each flush. Other databases get what Django makes."""

    def restore(app_config: AppConfig, using: str, **kwargs: Any) -> None:
        if using not in kept:
            create_contenttypes(app_config, using=using, **kwargs)
            create_permissions(app_config, using=using, **kwargs)
        elif app_config.label == "auth" and not ContentType.objects.using(using).exists():
            for rows in kept[using]:
                type(rows[0])._default_manager.using(using).bulk_create(rows)

    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid=PERMISSIONS)
    post_migrate.connect(restore)
    try:
        yield
    finally:
        post_migrate.disconnect(restore)
        post_migrate.connect(create_contenttypes)
        post_migrate.connect(create_permissions, dispatch_uid=PERMISSIONS)
