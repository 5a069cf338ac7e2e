"""What the API reads and writes."""

from __future__ import annotations

from typing import Any, TypedDict

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from legacy.accounts.models import User
from legacy.shop.cart import MAX_QUANTITY, Cart
from legacy.shop.checkout import place_order
from legacy.shop.models import Category, Order, OrderLine, Product, ProductImage, Review, Tenant


class CategoryRefSerializer(serializers.ModelSerializer[Category]):
    """A category where another object mentions it."""

    class Meta:
        model = Category
        fields = ("id", "name", "slug")


class CategorySerializer(serializers.ModelSerializer[Category]):
    """A category on its own."""

    product_count = serializers.IntegerField(read_only=True, default=0)

    class Meta:
        model = Category
        fields = ("id", "name", "slug", "description", "product_count")


class Rating(TypedDict):
    """How a product is rated."""

    average: float | None
    count: int


class ProductImageSerializer(serializers.ModelSerializer[ProductImage]):
    """A picture of a product."""

    class Meta:
        model = ProductImage
        fields = ("id", "image", "alt", "position")


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product in a list."""

    category = CategoryRefSerializer(read_only=True)
    in_stock = serializers.BooleanField(read_only=True)
    rating = serializers.SerializerMethodField()

    class Meta:
        model = Product
        fields: tuple[str, ...] = (
            "id",
            "sku",
            "name",
            "slug",
            "category",
            "price",
            "in_stock",
            "rating",
            "created",
        )

    def get_rating(self, product: Product) -> Rating:
        """Return the average, to two places, and the number of reviews."""
        # A product that was just created has not gone through with_ratings().
        average = getattr(product, "rating_average", None)
        return {
            "average": None if average is None else round(average, 2),
            "count": getattr(product, "rating_count", 0),
        }


class ProductDetailSerializer(ProductSerializer):
    """A product on its own, and what staff may write: the category is given by its slug."""

    category_slug = serializers.SlugRelatedField(
        source="category", slug_field="slug", queryset=Category.objects.all(), write_only=True
    )
    images = ProductImageSerializer(many=True, read_only=True)

    class Meta(ProductSerializer.Meta):
        fields = (*ProductSerializer.Meta.fields, "category_slug", "description", "stock", "images")


class AuthorSerializer(serializers.ModelSerializer[User]):
    """A customer as other customers see them."""

    class Meta:
        model = User
        fields = ("id", "username")


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """A review. The author is always the caller."""

    author = AuthorSerializer(read_only=True)

    class Meta:
        model = Review
        fields = ("id", "product", "author", "rating", "title", "text", "created")
        read_only_fields = ("created",)

    def validate_product(self, product: Product) -> Product:
        """Refuse products this shop does not sell, and moving a review to another product."""
        _refuse_invisible(product, self.context["request"])
        if self.instance is not None and self.instance.product_id != product.pk:
            raise serializers.ValidationError(_("A review stays with its product."), code="immutable")
        return product

    def create(self, validated_data: dict[str, Any]) -> Review:
        """Save the review; the database decides whether it is the customer's first."""
        try:
            with transaction.atomic():
                return super().create(validated_data)
        except IntegrityError as error:
            message = _("You have already reviewed this product.")
            raise serializers.ValidationError({"product": [message]}, code="unique") from error


class QuantitySerializer(serializers.Serializer[Any]):
    """A number of one product, as input."""

    product = serializers.PrimaryKeyRelatedField(queryset=Product.objects.all())
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY, default=1)

    def validate_product(self, product: Product) -> Product:
        """Refuse products this shop does not sell."""
        _refuse_invisible(product, self.context["request"])
        return product


class CartUpdateSerializer(QuantitySerializer):
    """A new quantity for a product in the cart; 0 takes it out."""

    quantity = serializers.IntegerField(min_value=0, max_value=MAX_QUANTITY)


class ProductRefSerializer(serializers.ModelSerializer[Product]):
    """A product where a cart or an order mentions it."""

    class Meta:
        model = Product
        fields = ("id", "sku", "name", "slug", "price")


class CartLineSerializer(serializers.Serializer[Any]):
    """A line of the cart."""

    product = ProductRefSerializer()
    quantity = serializers.IntegerField()
    total = serializers.DecimalField(max_digits=12, decimal_places=2)


class CartSerializer(serializers.Serializer[Cart]):
    """The whole cart."""

    items = CartLineSerializer(source="lines", many=True)
    count = serializers.IntegerField()
    total = serializers.DecimalField(max_digits=12, decimal_places=2)


class OrderLineSerializer(serializers.ModelSerializer[OrderLine]):
    """A line of an order: written as product and quantity, the rest is copied from the product."""

    product = serializers.PrimaryKeyRelatedField(queryset=Product.objects.all())
    total = serializers.DecimalField(max_digits=12, decimal_places=2, read_only=True)

    class Meta:
        model = OrderLine
        fields = ("product", "name", "unit_price", "quantity", "total")
        read_only_fields = ("name", "unit_price")
        extra_kwargs = {"quantity": {"min_value": 1, "max_value": MAX_QUANTITY}}


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order with its lines. Without `lines` it orders the session's cart and empties it."""

    customer = AuthorSerializer(read_only=True)
    lines = OrderLineSerializer(many=True, required=False, allow_empty=False)

    class Meta:
        model = Order
        fields = ("id", "customer", "status", "address", "note", "lines", "total", "created")
        read_only_fields = ("status", "total", "created")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Make sure that there is something to order."""
        if "lines" not in attrs and not Cart.of(self.context["request"]).lines:
            raise serializers.ValidationError({"lines": [_("Your cart is empty.")]}, code="required")
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Order:
        """Place the order; see `place_order` for what may go wrong."""
        request = self.context["request"]
        lines, cart = validated_data.pop("lines", None), Cart.of(request)
        quantities = cart.ordered() if lines is None else _merged(lines)
        order = place_order(request.user, quantities, tenant=Tenant.of(request), **validated_data)
        if lines is None:
            cart.clear()
        return order


def _refuse_invisible(product: Product, request: Request) -> None:
    if not product.is_visible_to(Tenant.of(request)):
        raise serializers.ValidationError(_("This product is not for sale."), code="does_not_exist")


def _merged(lines: list[dict[str, Any]]) -> dict[int, int]:
    """Add up the lines that name the same product."""
    quantities: dict[int, int] = {}
    for line in lines:
        pk = line["product"].pk
        quantities[pk] = quantities.get(pk, 0) + line["quantity"]
    return quantities
