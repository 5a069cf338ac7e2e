"""The shop's tables."""

from .catalogue import Category, Product, ProductImage, ProductQuerySet
from .order import Order, OrderLine, OrderQuerySet
from .review import Review
from .tenant import Tenant

__all__ = [
    "Category",
    "Order",
    "OrderLine",
    "OrderQuerySet",
    "Product",
    "ProductImage",
    "ProductQuerySet",
    "Review",
    "Tenant",
]
