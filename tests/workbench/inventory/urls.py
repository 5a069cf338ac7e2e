"""A URLconf with one of everything that leads to a view."""

from __future__ import annotations

from functools import partial, wraps

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.syndication.views import Feed
from django.urls import include, path, re_path
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic import TemplateView
from django.views.static import serve
from ninja import NinjaAPI
from rest_framework.decorators import action, api_view
from rest_framework.generics import ListCreateAPIView
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import ReadOnlyModelViewSet

from legacy.shop.api.serializers import ProductSerializer
from legacy.shop.models import Product


def anything(request, **_):
    raise NotImplementedError


@csrf_exempt
@require_http_methods(["GET", "POST"])
def chosen(request):
    raise NotImplementedError


@login_required
@require_safe
def safe(request):
    raise NotImplementedError


def around(view):
    @wraps(view)
    def inner(request):
        return view(request)

    return inner


async def waiting(request):
    raise NotImplementedError


class Page(View):
    def get(self, request):
        raise NotImplementedError

    def delete(self, request):
        raise NotImplementedError


class Own(View):
    def dispatch(self, request, *args, **kwargs):
        raise NotImplementedError


class Needy(View):
    """Can't be made as `as_view()` makes it."""

    def __init__(self, client):
        raise NotImplementedError

    def get(self, request):
        raise NotImplementedError


class News(Feed):
    link = "/"


@api_view(["GET", "PUT"])
def told(request):
    return Response()


class Products(ListCreateAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer


class ProductSet(ReadOnlyModelViewSet):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    lookup_value_regex = "[0-9]+"

    @action(detail=True, methods=["post", "delete"], url_path="on-sale")
    def on_sale(self, request, pk=None):
        raise NotImplementedError


router = DefaultRouter()
router.register("sets", ProductSet, basename="set")
ninja = NinjaAPI(urls_namespace="ninja")


@ninja.get("/items/{int:item}")
def item(request, item: int):
    raise NotImplementedError


@ninja.delete("/items/{int:item}")
def remove(request, item: int):
    raise NotImplementedError


inner = ([path("<uuid:key>/", chosen, name="chosen"), re_path(r"^(\d+)-(\w+)/?$", safe, name="safe")], "things")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("page/", around(Page.as_view()), name="page"),
    path("page/get/", Page.as_view(http_method_names=["get"])),
    path("page/required/", require_http_methods(["GET"])(Page.as_view())),
    path("needy/", Needy.as_view()),
    re_path(r"^twice/(?P<x>(\w)\2)/$", anything),
    path("own/", Own.as_view()),
    path("waiting/", waiting),
    path("about/", TemplateView.as_view(template_name="about.html"), name="about"),
    path("partial/", partial(anything, some=1)),
    path("feed/", News()),
    path("files/<path:path>", serve),
    path("one/", include(inner, namespace="one")),
    path("two/<slug:slug>/", include(inner, namespace="two")),
    path("api/products/", Products.as_view()),
    path("api/told/", told),
    path("api/", include(router.urls)),
    path("ninja/", ninja.urls),
    re_path(r"^archive/(?P<year>[0-9]{4})(?:/(?P<month>\d\d?))?/$", anything),
    re_path(r"^any/(?P<rest>.+)$", anything),
    re_path(r"^v(?:1|2)/colou?r\.json$", anything),
    *i18n_patterns(path("shop/", anything, name="shop"), prefix_default_language=False),
]
