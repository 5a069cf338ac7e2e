"""Which endpoints `--whole-viewset` takes: all that one registration of a ViewSet has, and none of another."""

from __future__ import annotations

import pytest
from django.urls import include, path
from rest_framework.decorators import action
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import ModelViewSet, ViewSet

from gateway.workbench.scaffold.draft import CannotScaffold
from gateway.workbench.scaffold.naming import route_name, stem_of
from gateway.workbench.scaffold.scaffolding import ScaffoldRequest, scaffold
from gateway.workbench.scaffold.selection import claim_of, selected
from legacy.shop.models import Category, Product


class Products(ModelViewSet):
    queryset = Product.objects.all()

    @action(["get", "put"], detail=False)
    def mine(self, request):
        raise NotImplementedError

    @mine.mapping.delete
    def forget(self, request):
        raise NotImplementedError

    @action(["post"], detail=False, url_path=r"by/(?P<colour>[a-z/]+)/all")
    def coloured(self, request, colour):
        raise NotImplementedError

    @action(["post"], detail=True, url_path="on-sale")
    def sell(self, request, pk):
        raise NotImplementedError


class Sales(ViewSet):
    """Without a list."""

    @action(["get"], detail=False)
    def today(self, request):
        raise NotImplementedError

    @action(["post"], detail=True)
    def cancel(self, request, pk):
        raise NotImplementedError


class Shops(ModelViewSet):
    queryset = Category.objects.all()


inner, router = DefaultRouter(), DefaultRouter()
inner.register("products", Products)
router.register("products", Products)
router.register("archive/products", Products, "archived")
router.register("sales", Sales, "sale")
router.register("shops", Shops)
urlpatterns = [
    path("shops/<int:shop>/", include(inner.urls)),
    path("by-hand/<int:pk>/", Products.as_view({"get": "retrieve"})),
    path("by-hand/", Products.as_view({"get": "list", "post": "create"})),
    path("sold/mine/", Products.as_view({"get": "mine"})),
    *router.urls,
]

OF_PRODUCTS = [
    "GET {}/", "POST {}/", "POST {}/by/{colour}/all/", "GET {}/mine/", "PUT {}/mine/", "DELETE {}/mine/",
    "GET {}/{pk}/", "PUT {}/{pk}/", "PATCH {}/{pk}/", "DELETE {}/{pk}/", "POST {}/{pk}/on-sale/",
]  # fmt: skip


@pytest.fixture(autouse=True)
def urlconf(settings):
    settings.ROOT_URLCONF = __name__


@pytest.mark.parametrize("prefix", ["/products", "/archive/products", "/shops/{shop}/products"])
@pytest.mark.parametrize("named", ["GET {}/", "PUT {}/mine/", "DELETE {}/mine/", "POST {}/{pk}/on-sale/"])
def test_a_whole_viewset_has_its_own_actions_on_the_list_too(prefix, named):
    chosen = [
        str(one).replace("{colour:path}", "{colour}") for one in selected(named.replace("{}", prefix), whole=True)
    ]
    assert sorted(chosen) == sorted(one.replace("{}", prefix) for one in OF_PRODUCTS)


def test_its_route_excludes_none_of_them():
    claim = claim_of(selected("GET /products/", whole=True))
    assert (claim.prefix, claim.exclude) == ("/products", ())


def test_the_prefix_of_a_nested_view_has_its_parameter_and_not_its_parents_claim():
    claim = claim_of(selected("GET /shops/{shop}/products/", whole=True))
    assert (claim.prefix, claim.exclude) == ("/shops/{shop}/products", ())


def test_a_parent_excludes_the_views_nested_in_it_whatever_their_parameters_are_called():
    claim = claim_of(selected("GET /shops/", whole=True))
    assert claim.prefix == "/shops"
    assert [path.replace("{colour:path}", "{colour}") for path in claim.exclude] == [
        f"/shops/{{shop}}/products{rest}" for rest in ("/", "/by/{colour}/all/", "/mine/", "/{pk}/", "/{pk}/on-sale/")
    ]


def test_one_without_a_list_is_whole_too():
    chosen = selected("POST /sales/{pk}/cancel/", whole=True)
    assert sorted(map(str, chosen)) == ["GET /sales/today/", "POST /sales/{pk}/cancel/"]


def test_without_a_router_what_begins_alike_belongs_together():
    chosen = selected("GET /by-hand/", whole=True)
    assert sorted(map(str, chosen)) == ["GET /by-hand/", "GET /by-hand/{pk}/", "POST /by-hand/"]


def test_what_is_equal_after_a_difference_is_no_prefix():
    chosen = [one for path in ("/products/mine/", "/sold/mine/") for one in selected(f"GET {path}", whole=False)]
    with pytest.raises(CannotScaffold, match="have no prefix in common"):
        claim_of(chosen)


def test_the_name_of_a_route_has_one_dash():
    assert route_name("moved", "_7272", ()) == "moved-7272"


@pytest.mark.parametrize("whose", ["products", "archive/products", "shops/{shop}/products"])
def test_a_module_is_called_after_the_last_list_of_its_path(whose):
    assert stem_of(selected(f"GET /{whose}/", whole=True), whole=True) == "products"


def written(tmp_path, endpoint, service):
    config = tmp_path / "gateway.toml"
    config.touch()
    draft = scaffold(ScaffoldRequest(endpoint, service, whole=True), config)
    (one,) = (file for file in draft.files if file.kind == "test")
    return draft.route, one.path


def test_a_contract_test_has_a_name_of_its_own_where_another_routes_test_has_that(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_contract_products.py").write_text('ROUTE = "new"\n')
    assert written(tmp_path, "GET /archive/products/", "archive") == (
        "archive-products", tmp_path / "tests/test_contract_archive_products.py",
    )  # fmt: skip


@pytest.mark.parametrize("text", ['ROUTE = "archive-products"\n# edited\n', "# somebody's own\n"])
def test_its_own_is_kept_and_so_is_what_somebody_wrote(tmp_path, text):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_contract_products.py").write_text(text)
    assert written(tmp_path, "GET /archive/products/", "archive")[1] == tmp_path / "tests/test_contract_products.py"
