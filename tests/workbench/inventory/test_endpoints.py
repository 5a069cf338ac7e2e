"""Every endpoint of a URLconf, whatever leads to it: method, template, and what handles it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.test import override_settings
from django.urls import get_resolver, path, resolve

from gateway.workbench.inventory import Endpoint, PathParameter, endpoints
from gateway.workbench.inventory.instance import instance_of
from tests.workbench.inventory import urls

URLS = urls.__name__
LANGUAGES = [("en", "English"), ("el", "Greek"), ("nl", "Dutch")]


@pytest.fixture(scope="module")
def found() -> dict[str, list[Endpoint]]:
    with override_settings(LANGUAGES=LANGUAGES, LANGUAGE_CODE="en"):
        by_template = defaultdict(list)
        for one in endpoints(URLS):
            by_template[one.template].append(one)
        return dict(by_template)


@pytest.mark.parametrize(
    ("template", "methods", "kind"),
    [
        ("/page/", "GET DELETE", "django"),
        ("/page/get/", "GET", "django"),
        ("/page/required/", "GET", "django"),
        ("/needy/", "GET", "django"),
        ("/twice/{x:path}/", "*", "django"),  # Python can't say of the group alone what it takes
        ("/own/", "*", "django"),
        ("/waiting/", "*", "django"),
        ("/about/", "GET", "django"),
        ("/partial/", "*", "django"),
        ("/feed/", "*", "other"),
        ("/files/{path:path}", "*", "static"),
        ("/one/{key}/", "GET POST", "django"),
        ("/one/{var}-{var2}/", "GET", "django"),
        ("/two/{slug}/{key}/", "GET POST", "django"),
        ("/api/products/", "GET POST", "drf"),
        ("/api/told/", "GET PUT", "drf"),
        ("/api/sets/", "GET", "drf"),
        ("/api/sets/{pk}/", "GET", "drf"),
        ("/api/sets/{pk}/on-sale/", "POST DELETE", "drf"),
        ("/api/sets/{pk}.{format}", "GET", "drf"),
        ("/ninja/items/{item}", "GET DELETE", "ninja"),
        ("/archive/{year}/{month}/", "*", "django"),
        ("/any/{rest:path}", "*", "django"),
        ("/v{var}/colour.json", "*", "django"),
        ("/shop/", "*", "django"),
        ("/{language}/shop/", "*", "django"),
        ("/admin/shop/product/{object_id:path}/change/", "*", "admin"),
    ],
)
def test_an_endpoint_for_each_method_that_the_view_takes(found, template, methods, kind):
    assert [one.method for one in found[template]] == methods.split()
    assert {one.kind for one in found[template]} == {kind}


def test_every_pattern_of_the_urlconf_has_an_endpoint(found):
    def leaves(resolver):
        for item in resolver.url_patterns:
            yield from leaves(item) if hasattr(item, "url_patterns") else [item]

    assert {one.items[-1] for ones in found.values() for one in ones} == {*leaves(get_resolver(URLS))}


@pytest.mark.parametrize(
    "path",
    ["/page/", "/two/x/0f0e0d0c-0b0a-0908-0706-050403020100/", "/api/sets/7/", "/api/sets/7.json", "/archive/2026/1/"],
)
def test_a_route_of_djangos_match_is_one_of_an_endpoint(found, path):
    route = resolve(path, URLS).route

    assert [template for template, ones in found.items() if route in ones[0].routes] != []


def test_what_a_match_has_for_each_language(found):
    assert found["/shop/"][0].routes == ("shop/",)
    assert found["/{language}/shop/"][0].routes == ("el/shop/", "nl/shop/")
    assert found["/{language}/shop/"][0].parameters == (PathParameter("language", "", "el|nl"),)


def test_parameters_have_their_converter_or_their_expression(found):
    assert found["/two/{slug}/{key}/"][0].parameters[0] == PathParameter("slug", "slug", "[-a-zA-Z0-9_]+")
    assert found["/archive/{year}/{month}/"][0].parameters == (
        PathParameter("year", "", "[0-9]{4}"),
        PathParameter("month", "", r"\d\d?"),
    )


def test_names_have_their_namespaces(found):
    assert [found[template][0].name for template in ("/one/{key}/", "/two/{slug}/{key}/", "/page/", "/own/")] == [
        "one:chosen",
        "two:chosen",
        "page",
        None,
    ]


def test_an_action_of_a_view_set_is_a_method_of_its_class(found):
    [listed], [post, _] = found["/api/sets/"], found["/api/sets/{pk}/on-sale/"]

    assert (listed.view_class, listed.action, listed.view) == (urls.ProductSet, "list", f"{URLS}.ProductSet")
    assert (post.action, post.initkwargs["detail"]) == ("on_sale", True)


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("/page/", "    def get(self, request):"),
        ("/one/{key}/", "@csrf_exempt"),
        ("/api/told/", '@api_view(["GET", "PUT"])'),
        ("/api/products/", "class Products(ListCreateAPIView):"),
        ("/api/sets/", "class ProductSet(ReadOnlyModelViewSet):"),
        ("/api/sets/{pk}/on-sale/", '    @action(detail=True, methods=["post", "delete"], url_path="on-sale")'),
        ("/ninja/items/{item}", '@ninja.get("/items/{int:item}")'),
        ("/about/", '    path("about/", TemplateView.as_view(template_name="about.html"), name="about"),'),
        ("/feed/", "class News(Feed):"),
    ],
)
def test_file_and_line_are_those_of_what_somebody_wrote(found, template, line):
    one = found[template][0]

    assert one.file == urls.__file__
    assert Path(one.file).read_text().splitlines()[one.line - 1] == line
    assert not one.third_party


def test_what_is_installed_is_told_apart_and_has_its_own_app(found):
    assert all(one.third_party for one in found["/files/{path:path}"])
    assert {one.app for one in found["/admin/login/"]} == {"admin"}
    assert {one.app for one in found["/api/sets/"]} == {"tests"}


@pytest.mark.parametrize(("urlconf", "installed"), [("django.contrib.auth.urls", False), (URLS, True)])
def test_a_project_that_is_installed_as_a_package_is_told_by_its_urlconf(urlconf, installed):
    with override_settings(ROOT_URLCONF=urlconf):
        (one,) = (one for one in endpoints("django.contrib.auth.urls") if one.template == "/logout/")
    assert one.third_party == installed


def test_suffixes_of_a_format_are_marked(found):
    assert found["/api/sets.{format}"][0].format_suffix
    assert not found["/api/sets/"][0].format_suffix


def test_who_is_awaited(found):
    assert found["/waiting/"][0].is_async
    assert not found["/page/"][0].is_async


def test_the_functions_that_ninja_runs(found):
    assert [one.function for one in found["/ninja/items/{item}"]] == [urls.item, urls.remove]


@pytest.mark.parametrize(
    ("languages", "prefixed", "expected"),
    [
        (LANGUAGES, True, {"/{language}/shop/"}),
        (LANGUAGES, False, {"/shop/", "/{language}/shop/"}),
        (LANGUAGES[:1], False, {"/shop/"}),
    ],
)
def test_a_language_is_in_the_path_unless_it_is_the_default_one(settings, languages, prefixed, expected):
    settings.LANGUAGES, settings.LANGUAGE_CODE = languages, "en"
    module = ModuleType("shop")
    module.__file__ = urls.__file__
    module.urlpatterns = i18n_patterns(path("shop/", urls.anything), prefix_default_language=prefixed)
    assert {one.template for one in endpoints(module)} == expected


@pytest.mark.parametrize(("template", "made"), [("/page/", True), ("/waiting/", False), ("/needy/", False)])
def test_an_instance_is_made_of_a_class_that_lets_itself_be_made(found, template, made):
    instance = instance_of(found[template][0])
    assert (instance is not None) is made
    assert not made or instance.request is None
