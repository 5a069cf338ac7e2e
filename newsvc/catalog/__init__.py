"""Reading products: the list, with filters, search, order and pages, and a product on its own."""

from newsvc.catalog.main import app

__all__ = ["app"]
