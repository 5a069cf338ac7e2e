"""Which endpoints `--whole-viewset` takes: all that one registration of a ViewSet has, and none of another."""

from __future__ import annotations

import ast

import pytest
from django.urls import include, path, re_path
from rest_framework.decorators import action
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet, ViewSet

from gateway.legacy.templates import convertor_for
from gateway.workbench.inventory import find
from gateway.workbench.scaffold.draft import CannotScaffold
from gateway.workbench.scaffold.naming import route_name, stem_of
from gateway.workbench.scaffold.paths import path_text
from gateway.workbench.scaffold.references import resolve
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


def told(request):
    raise NotImplementedError


def pieced(request, **parts):
    raise NotImplementedError


def local():
    class Local(APIView):
        def get(self, request):
            raise NotImplementedError

    return Local.as_view()


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
    path("told/", told),
    path("told/again/", told),
    path("local/", local()),
    path("plain/<str:name>/", pieced),
    re_path(r"^sized/(?P<name>[^/]+)/$", pieced),
    re_path(r"""^numbered/(?P<n>\d{2})/(?P<m>['"]+)/$""", pieced),
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


def test_one_path_excludes_those_of_other_views_that_it_would_match():
    assert claim_of(selected("GET /products/{pk}/", whole=False)).exclude == ("/products/mine/",)


def test_a_whole_function_is_all_that_it_answers():
    assert sorted(map(str, selected("/told/", whole=True))) == ["* /told/", "* /told/again/"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/plain/{name}/", "'/plain/{name}/'"),
        ("/sized/{name}/", "'/sized/{name}/'"),
        ("/numbered/{n}/{m}/", "/numbered/{n:C0}/{m:C1}/"),
    ],
)
def test_a_path_keeps_its_regular_expressions(path, text):
    written = path_text(find(path))
    found = [convertor_for(regex) for regex in (r"\d{2}", "['\"]+")]
    made = eval(resolve(written, set())[0], {"convertor_for": convertor_for})  # noqa: S307 - it is what we wrote
    assert made == text.strip("'").replace("C0", found[0]).replace("C1", found[1])


def test_a_view_that_cannot_be_named_is_not_scaffolded(tmp_path):
    (tmp_path / "gateway.toml").touch()
    with pytest.raises(CannotScaffold, match=r"local\.<locals>\.Local' can't be imported"):
        scaffold(ScaffoldRequest("/local/", "moved"), tmp_path / "gateway.toml")


EXCLUDING = """
[services.moved]
app = "moved:app"
answers = "drf"

[[routes]]
name = "products"
prefix = "/products"
exclude = ["/products/mine/"]
service = "moved"
"""


def test_what_its_route_excludes_goes_on_being_djangos_and_is_said(tmp_path):
    (tmp_path / "gateway.toml").write_text(EXCLUDING)
    draft = scaffold(ScaffoldRequest("GET /products/", "moved", whole=True), tmp_path / "gateway.toml")
    (note,) = draft.notes
    assert note.startswith("Django goes on serving /products/mine/: route 'products' of gateway.toml excludes them")
    assert [file.kind for file in draft.files] == ["router", "test", "configuration"]  # its application isn't there


def test_without_ruff_the_text_is_not_formatted_and_says_so(tmp_path, monkeypatch):
    (tmp_path / "gateway.toml").touch()
    monkeypatch.setattr("gateway.workbench.scaffold.module._ruff", lambda: None)
    draft = scaffold(ScaffoldRequest("GET /products/", "moved"), tmp_path / "gateway.toml")
    assert ["the text is not formatted" in note for note in draft.notes] == [True]
    for file in draft.files:
        if file.path.suffix == ".py":
            ast.parse(file.text)


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
