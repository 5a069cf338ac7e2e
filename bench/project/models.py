"""One table, so that the ORM has something to read."""

from django.db import models


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
