"""Placing orders. Listing, showing and cancelling them are still Django's."""

from newsvc.orders.main import app

__all__ = ["app"]
