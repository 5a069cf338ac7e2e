"""URLs of the API."""

from django.urls import include, path
from rest_framework.routers import DefaultRouter

from . import views

router = DefaultRouter()
router.include_format_suffixes = False
# The pages have URLs named product-list and order-list already.
router.register("categories", views.CategoryViewSet, basename="api-category")
router.register("products", views.ProductViewSet, basename="api-product")
router.register("reviews", views.ReviewViewSet, basename="api-review")
router.register("orders", views.OrderViewSet, basename="api-order")

urlpatterns = [
    path("cart/", views.CartView.as_view(), name="api-cart"),
    path("cart/items/", views.CartItemsView.as_view(), name="api-cart-items"),
    path("cart/items/<int:product_pk>/", views.CartItemView.as_view(), name="api-cart-item"),
    path("token/", views.TokenView.as_view(), name="api-token"),
    path("", include(router.urls)),
]
