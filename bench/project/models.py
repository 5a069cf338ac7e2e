"""One table, so that the ORM has something to read."""

import time
from typing import Any

from django.db import models
from django.db.backends.signals import connection_created
from django.dispatch import receiver


@receiver(connection_created)
def _add_sleep(connection: Any, **_: object) -> None:
    """Give SQLite a slow function: `bench_sleep(seconds)`."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("bench_sleep", 1, time.sleep)


class Product(models.Model):
    """A row with the usual column types: text, decimal, boolean, timestamp."""

    sku = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    available = models.BooleanField(default=True)
    created = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.sku
