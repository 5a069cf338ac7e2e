"""What the suppliers ask for a product, fetched from all of them at once."""

from newsvc.quotes.main import app

__all__ = ["app"]
