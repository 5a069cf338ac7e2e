"""`manage.py demo_urls`: where to look first."""

import os
from typing import Any

from django.core.management.base import BaseCommand
from django.core.management.color import no_style

PAGES = {
    "/products/": "the shop",
    "/admin/": "the back office",
    "/api/": "the API",
    "/api/products/?search=lamp&ordering=price": "a filtered list",
    "/api/quotes/1/": "what the suppliers ask",
    "/export/products.csv": "a streamed price list",
    "/status/": "an async view",
}


class Command(BaseCommand):
    """Print the URLs worth opening and who can log in."""

    help = "Prints the URLs worth opening, on PORT (8000), and the logins. Respects NO_COLOR."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one URL per line."""
        if os.environ.get("NO_COLOR"):
            self.style = no_style()
        root = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
        width = max(map(len, PAGES))
        for path, what in PAGES.items():
            self.stdout.write(f"  {root}{self.style.SUCCESS(path.ljust(width))}  {what}")
        self.stdout.write("  staff login: admin / admin    customer: ada / ada")
        if not os.environ.get("SUPPLIERS_URL"):
            self.stdout.write("  suppliers to ask: python -m legacy.suppliers.stub --port 9100 --latency 0.05")
