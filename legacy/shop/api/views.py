"""The API's views."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import mixins, status, viewsets
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from legacy.shop.cart import Cart
from legacy.shop.checkout import cancel_order
from legacy.shop.filters import ProductFilter
from legacy.shop.models import Category, Order, Product, Review, Tenant

from .permissions import IsAuthorOrReadOnly
from .serializers import (
    CartSerializer,
    CartUpdateSerializer,
    CategorySerializer,
    OrderSerializer,
    ProductDetailSerializer,
    ProductImageSerializer,
    ProductSerializer,
    QuantitySerializer,
    ReviewSerializer,
)
from .throttling import WriteThrottle


class CategoryViewSet(viewsets.ModelViewSet[Category]):
    """Categories: everybody reads, staff with permission write."""

    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    search_fields = ("name",)
    ordering_fields = ("name",)
    ordering = ("name", "id")

    def get_queryset(self) -> QuerySet[Category]:
        """Return this shop's categories."""
        return Category.objects.visible_to(Tenant.of(self.request)).with_product_counts()


class ProductViewSet(viewsets.ModelViewSet[Product]):
    """Products: everybody reads, staff with permission write."""

    queryset = Product.objects.all()
    filterset_class = ProductFilter
    search_fields = ("name", "description", "sku")
    ordering_fields = ("price", "name", "created")
    ordering = ("name", "id")

    def get_queryset(self) -> QuerySet[Product]:
        """Return this shop's products, with all that the serializer shows."""
        products = Product.objects.visible_to(Tenant.of(self.request))
        products = products.select_related("category").with_ratings()
        return products if self.action == "list" else products.prefetch_related("images")

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """Lists leave out what only the product's own page shows."""
        by_action: dict[str, type[BaseSerializer[Any]]] = {
            "list": ProductSerializer,
            "images": ProductImageSerializer,
        }
        return by_action.get(self.action, ProductDetailSerializer)

    @action(detail=True, methods=["post"])
    def images(self, request: Request, pk: str) -> Response:
        """Add a picture, sent as multipart form data."""
        product, picture = self.get_object(), self.get_serializer(data=request.data)
        picture.is_valid(raise_exception=True)
        picture.save(product=product)
        return Response(picture.data, status=status.HTTP_201_CREATED)


class ReviewViewSet(viewsets.ModelViewSet[Review]):
    """Reviews: everybody reads, customers write, authors change."""

    queryset = Review.objects.all()
    serializer_class = ReviewSerializer
    permission_classes = (IsAuthorOrReadOnly,)
    throttle_classes = (*viewsets.ModelViewSet.throttle_classes, WriteThrottle)
    filterset_fields = ("product", "rating", "author")
    ordering_fields = ("created", "rating")
    ordering = ("-created", "-id")

    def get_queryset(self) -> QuerySet[Review]:
        """Return the reviews of what this shop sells."""
        products = Product.objects.visible_to(Tenant.of(self.request))
        return Review.objects.filter(product__in=products).select_related("author")

    def perform_create(self, serializer: BaseSerializer[Review]) -> None:
        """Sign the review with the caller's name."""
        serializer.save(author=self.request.user)


class OrderViewSet(
    mixins.CreateModelMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[Order],
):
    """Orders: customers see their own, staff with permission see all; nobody edits one."""

    queryset = Order.objects.all()
    serializer_class = OrderSerializer
    permission_classes = (IsAuthenticated,)
    throttle_classes = (*viewsets.GenericViewSet.throttle_classes, WriteThrottle)
    filterset_fields = ("status",)
    ordering_fields = ("created", "total")
    ordering = ("-created", "-id")

    def get_queryset(self) -> QuerySet[Order]:
        """Return the orders the caller may see, with their lines."""
        orders = Order.objects.visible_to(self.request.user)
        return orders.select_related("customer").prefetch_related("lines")

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a new order and put its products back into stock."""
        cancel_order(self.get_object())
        return Response(self.get_serializer(self.get_object()).data)


class CartView(APIView):
    """The cart of the caller's session."""

    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        """Show the cart."""
        return Response(CartSerializer(Cart.of(request)).data)


class CartItemsView(APIView):
    """What is in the cart. Every method answers with the cart as it is then."""

    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        """Add a number of a product."""
        cart, item = Cart.of(request), _valid(QuantitySerializer, request)
        cart.add(item["product"], item["quantity"])
        return Response(CartSerializer(cart).data, status=status.HTTP_201_CREATED)

    def patch(self, request: Request) -> Response:
        """Set how many of a product are in the cart."""
        cart, item = Cart.of(request), _valid(CartUpdateSerializer, request)
        cart.set(item["product"].pk, item["quantity"])
        return Response(CartSerializer(cart).data)

    def delete(self, request: Request) -> Response:
        """Empty the cart."""
        cart = Cart.of(request)
        cart.clear()
        return Response(CartSerializer(cart).data)


class CartItemView(APIView):
    """One product in the cart."""

    permission_classes = (AllowAny,)

    def delete(self, request: Request, product_pk: int) -> Response:
        """Take the product out."""
        get_object_or_404(Product, pk=product_pk)
        cart = Cart.of(request)
        cart.set(product_pk, 0)
        return Response(CartSerializer(cart).data)


class TokenView(ObtainAuthToken):
    """Exchange a user name and password for an API token."""

    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "token"


def _valid(serializer_class: type[QuantitySerializer], request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    validated: dict[str, Any] = serializer.validated_data
    return validated
