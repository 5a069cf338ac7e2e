"""URLs of the shop's pages."""

from django.urls import path
from django.views.generic import RedirectView

from . import views
from .export import export_products

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="product-list"), name="home"),
    path("products/", views.product_list, name="product-list"),
    path("products/<slug:slug>/", views.product_detail, name="product-detail"),
    path("products/<slug:slug>/image/", views.product_image, name="product-image"),
    path("products/<slug:slug>/review/", views.review_add, name="review-add"),
    path("cart/", views.cart_detail, name="cart"),
    path("cart/add/<slug:slug>/", views.cart_add, name="cart-add"),
    path("cart/set/<int:product_pk>/", views.cart_set, name="cart-set"),
    path("checkout/", views.checkout, name="checkout"),
    path("orders/", views.order_list, name="order-list"),
    path("orders/<int:pk>/", views.order_detail, name="order-detail"),
    path("orders/<int:pk>/cancel/", views.order_cancel, name="order-cancel"),
    path("orders/<int:pk>/invoice/", views.order_invoice, name="order-invoice"),
    path("export/products.csv", export_products, name="export-products"),
    path("status/", views.status, name="status"),
]
