"""Creates the benchmark's database: `python -m bench.project.database`.

A command rather than a function of the harness, so that the harness itself never configures Django.
"""

import datetime as dt
import os
from decimal import Decimal


def create(rows: int = 200) -> None:
    """Create every table in `BENCH_DATABASE` and fill in deterministic products, 200 unless told."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.project.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from bench.project.models import Product

    call_command("migrate", verbosity=0, run_syncdb=True)
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    Product.objects.bulk_create(
        Product(
            sku=f"SKU-{number:05d}",
            name=f"Product number {number}",
            price=Decimal(number * 37 % 10_000) / 100,
            available=number % 7 != 0,
            created=start + dt.timedelta(hours=number),
        )
        for number in range(1, rows + 1)
    )


if __name__ == "__main__":
    create()
