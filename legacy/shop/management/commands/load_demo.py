"""`manage.py load_demo`: fill an empty shop with the demo's data."""

from typing import Any

from django.core.management.base import BaseCommand

from legacy.shop import demo


class Command(BaseCommand):
    """Load the demo's data once."""

    help = "Fills the shop with the same 1,000 products, users, reviews and orders every time."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, or say that there is nothing to do."""
        if demo.is_loaded():
            self.stdout.write("The demo data are already there.")
            return
        demo.load(lambda step: self.stdout.write(f"  {step}"))
        self.stdout.write(self.style.SUCCESS("The demo data are loaded."))
