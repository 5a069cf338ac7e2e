"""The shop's pages."""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from legacy.accounts.models import User

from .cart import Cart
from .checkout import NotCancellableError, OutOfStockError, cancel_order, place_order
from .filters import ProductFilter
from .forms import CheckoutForm, QuantityForm, ReviewForm
from .models import Category, Order, Product, Review, Tenant

PAGE_SIZE = 24


@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    """List products, narrowed by search, category, price and stock."""
    products = Product.objects.visible_to(Tenant.of(request)).select_related("category")
    search = request.GET.get("q", "").strip()
    if search:
        products = products.filter(Q(name__icontains=search) | Q(description__icontains=search))
    filters = ProductFilter(request.GET, products)
    page = Paginator(filters.qs.with_ratings(), PAGE_SIZE).get_page(request.GET.get("page"))
    categories = Category.objects.visible_to(Tenant.of(request))
    context = {"page": page, "filters": filters, "categories": categories, "search": search}
    return render(request, "shop/product_list.html", context)


@require_safe
def product_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one product with its reviews and the form to add one."""
    return _render_product(request, _product(request, slug), ReviewForm())


def _product(request: HttpRequest, slug: str) -> Product:
    products = Product.objects.visible_to(Tenant.of(request)).select_related("category").with_ratings()
    return get_object_or_404(products, slug=slug)


def _render_product(request: HttpRequest, product: Product, review_form: ReviewForm, status: int = 200) -> HttpResponse:
    reviews = product.reviews.select_related("author")
    context = {"product": product, "reviews": reviews, "review_form": review_form, "form": QuantityForm()}
    return render(request, "shop/product_detail.html", context, status=status)


@require_safe
def product_image(request: HttpRequest, slug: str) -> FileResponse:
    """Send the product's first image as a download."""
    product = get_object_or_404(Product.objects.visible_to(Tenant.of(request)), slug=slug)
    picture = product.images.first()
    if picture is None:
        raise Http404(_("This product has no image."))
    name = product.slug + PurePath(str(picture.image)).suffix
    return FileResponse(picture.image.open("rb"), as_attachment=True, filename=name)


@require_POST
@login_required
def review_add(request: HttpRequest, slug: str) -> HttpResponse:
    """Add the customer's review of a product."""
    product = _product(request, slug)
    form = ReviewForm(request.POST, instance=Review(product=product, author=cast("User", request.user)))
    if not form.is_valid():
        return _render_product(request, product, form, status=400)
    form.save()
    messages.success(request, _("Thank you for your review."))
    return redirect(product)


@require_safe
def cart_detail(request: HttpRequest) -> HttpResponse:
    """Show the cart."""
    return render(request, "shop/cart.html")


@require_POST
def cart_add(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a product into the cart."""
    product = get_object_or_404(Product.objects.visible_to(Tenant.of(request)), slug=slug)
    form = QuantityForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Please enter a quantity."))
        return redirect(product)
    Cart.of(request).add(product, form.cleaned_data["quantity"])
    messages.success(request, _("%(name)s is in your cart.") % {"name": product.name})
    return redirect("cart")


@require_POST
def cart_set(request: HttpRequest, product_pk: int) -> HttpResponse:
    """Set how many of a product are in the cart; 0 takes it out."""
    form = QuantityForm(request.POST)
    if form.is_valid():
        Cart.of(request).set(product_pk, form.cleaned_data["quantity"])
    else:
        messages.error(request, _("Please enter a quantity."))
    return redirect("cart")


@login_required
def checkout(request: HttpRequest) -> HttpResponse:
    """Order what is in the cart."""
    cart, customer = Cart.of(request), cast("User", request.user)
    if not cart.lines:
        messages.info(request, _("Your cart is empty."))
        return redirect("product-list")
    form = CheckoutForm(request.POST or None, initial={"address": customer.address})
    if request.method == "POST" and form.is_valid():
        return _order_cart(request, cart, customer, form)
    return render(request, "shop/checkout.html", {"form": form})


def _order_cart(request: HttpRequest, cart: Cart, customer: User, form: CheckoutForm) -> HttpResponse:
    try:
        order = place_order(customer, cart.ordered(), tenant=Tenant.of(request), **form.cleaned_data)
    except OutOfStockError as problem:
        for shortage in problem.shortages:
            messages.error(request, str(shortage))
        return redirect("cart")
    cart.clear()
    messages.success(request, _("Thank you! Your order %(number)s is placed.") % {"number": order})
    return redirect(order)


@require_safe
@login_required
def order_list(request: HttpRequest) -> HttpResponse:
    """List the customer's own orders."""
    orders = Order.objects.filter(customer=cast("User", request.user))
    page = Paginator(orders, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "shop/order_list.html", {"page": page})


def _order(request: HttpRequest, pk: int) -> Order:
    orders = Order.objects.visible_to(request.user).select_related("customer")
    return get_object_or_404(orders.prefetch_related("lines__product"), pk=pk)


@require_safe
@login_required
def order_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one order to its customer, or to staff who may see all orders."""
    return render(request, "shop/order_detail.html", {"order": _order(request, pk)})


@require_POST
@login_required
def order_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel one's own order while it is new."""
    order = get_object_or_404(Order, pk=pk, customer=request.user)
    try:
        cancel_order(order)
        messages.success(request, _("Your order %(number)s is cancelled.") % {"number": order})
    except NotCancellableError:
        messages.error(request, _("This order can no longer be cancelled."))
    return redirect(order)


@require_safe
@login_required
def order_invoice(request: HttpRequest, pk: int) -> FileResponse:
    """Send the invoice of one order as a text file."""
    order = _order(request, pk)
    text = render_to_string("shop/text/invoice.txt", {"order": order}, request)
    return FileResponse(io.BytesIO(text.encode()), as_attachment=True, filename=f"invoice-{order.pk}.txt")


@require_GET
async def status(request: HttpRequest) -> JsonResponse:
    """Answer with the shop's numbers, for a monitor; asynchronous from end to end."""
    products = Product.objects.visible_to(Tenant.of(request))
    numbers = {
        "shop": Tenant.of(request).name,
        "products": await products.acount(),
        "in_stock": await products.filter(stock__gt=0).acount(),
        "reviews": await Review.objects.acount(),
        "orders": await Order.objects.acount(),
    }
    return JsonResponse(numbers)
