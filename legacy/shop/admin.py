"""The back office. Type checkers know the admin's classes as generic; Django itself does not."""

# mypy: disable-error-code="type-arg"

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .checkout import NotCancellableError, cancel_order
from .models import Category, Order, OrderLine, Product, ProductImage, Review, Tenant

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

RESTOCK = 10
LOW_STOCK = 5

admin.site.site_header = _("Shop administration")


class StockFilter(admin.SimpleListFilter):
    """Which products need to be ordered."""

    title = _("stock")
    parameter_name = "stock"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, StrPromise]]:
        """Return the choices of the sidebar."""
        return [("none", _("Sold out")), ("low", _("Running low")), ("enough", _("Enough"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        """Keep the products of the chosen level."""
        conditions = {
            "none": Q(stock=0),
            "low": Q(stock__range=(1, LOW_STOCK)),
            "enough": Q(stock__gt=LOW_STOCK),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


class ProductImageInline(admin.TabularInline):
    """Upload and order pictures on the product's own page."""

    model = ProductImage
    extra = 1


class OrderLineInline(admin.TabularInline):
    """What was ordered; a placed order's lines are not edited."""

    model = OrderLine
    extra = 0
    can_delete = False
    fields = readonly_fields = ("product", "name", "unit_price", "quantity")

    def has_add_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        """Orders get their lines when they are placed, with the stock taken."""
        return False


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    """Categories with the number of their products."""

    list_display = ("name", "slug", "product_count")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        """Count the products in the same query."""
        return Category.objects.with_product_counts()

    @admin.display(description=_("products"), ordering="product_count")
    def product_count(self, category: Category) -> int:
        """Return the annotated number."""
        return category.product_count


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    """Products, their pictures and their stock."""

    list_display = ("name", "sku", "category", "price", "stock", "is_active", "created")
    list_filter = ("is_active", StockFilter, "category")
    list_select_related = ("category",)
    search_fields = ("name", "sku")
    search_help_text = _("Name or SKU")
    date_hierarchy = "created"
    prepopulated_fields = {"slug": ("name",)}
    inlines = (ProductImageInline,)
    actions = ("activate", "deactivate", "restock")

    @admin.action(description=_("Offer selected products"), permissions=["change"])
    def activate(self, request: HttpRequest, products: QuerySet[Product]) -> None:
        """Show the products in the shop."""
        self._report(request, products.update(is_active=True))

    @admin.action(description=_("Withdraw selected products"), permissions=["change"])
    def deactivate(self, request: HttpRequest, products: QuerySet[Product]) -> None:
        """Hide the products from the shop."""
        self._report(request, products.update(is_active=False))

    @admin.action(description=_("Add 10 pieces to the stock"), permissions=["change"])
    def restock(self, request: HttpRequest, products: QuerySet[Product]) -> None:
        """Note a delivery."""
        self._report(request, products.update(stock=F("stock") + RESTOCK))

    def _report(self, request: HttpRequest, number: int) -> None:
        text = ngettext("%(number)d product was changed.", "%(number)d products were changed.", number)
        self.message_user(request, text % {"number": number}, messages.SUCCESS)


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    """Reviews, to look through and to remove."""

    list_display = ("title", "rating", "product", "author", "created")
    list_filter = ("rating", "created")
    list_select_related = ("product", "author")
    search_fields = ("title", "text", "product__name", "author__username")
    autocomplete_fields = ("product", "author")


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    """Orders and where they stand."""

    list_display = ("__str__", "customer", "status", "total", "created")
    list_filter = ("status", "created")
    list_select_related = ("customer",)
    search_fields = ("customer__username", "customer__email", "lines__name")
    date_hierarchy = "created"
    readonly_fields = ("customer", "status", "total", "created")
    inlines = (OrderLineInline,)
    actions = ("mark_paid", "mark_shipped", "cancel")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Orders are placed in the shop, where stock is taken."""
        return False

    @admin.action(description=_("Mark selected orders as paid"), permissions=["change"])
    def mark_paid(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        """Note the payment of new orders."""
        self._move(request, orders, Order.Status.NEW, Order.Status.PAID)

    @admin.action(description=_("Mark selected orders as shipped"), permissions=["change"])
    def mark_shipped(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        """Note that paid orders have left."""
        self._move(request, orders, Order.Status.PAID, Order.Status.SHIPPED)

    def _move(self, request: HttpRequest, orders: QuerySet[Order], before: Order.Status, after: Order.Status) -> None:
        self._report(request, orders.filter(status=before).update(status=after))

    @admin.action(description=_("Cancel selected orders"), permissions=["change"])
    def cancel(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        """Cancel new orders and put their products back into stock."""
        self._report(request, sum(_cancelled(order) for order in orders))

    def _report(self, request: HttpRequest, number: int) -> None:
        text = ngettext("%(number)d order was changed.", "%(number)d orders were changed.", number)
        self.message_user(request, text % {"number": number}, messages.SUCCESS if number else messages.WARNING)


def _cancelled(order: Order) -> bool:
    try:
        cancel_order(order)
    except NotCancellableError:
        return False
    return True


@admin.register(Tenant)
class TenantAdmin(admin.ModelAdmin):
    """The shops that share this site."""

    list_display = ("name", "slug", "only_category")
    list_select_related = ("only_category",)
    search_fields = ("name", "slug")
