"""Which of the paths that a template takes in are another view's of the project."""

from __future__ import annotations

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.urls import URLPattern, URLResolver, include, path, re_path, register_converter
from django.urls.resolvers import RoutePattern
from django.views.decorators.http import require_GET, require_http_methods
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import ViewSet

from gateway.legacy.patterns import Patterns
from gateway.legacy.project_settings import admin_paths
from gateway.routing.table import EndpointPattern


def view(request, **kwargs):
    raise NotImplementedError


class Tags(ViewSet):
    lookup_field = "tag"

    def retrieve(self, request, tag):
        raise NotImplementedError


class Year:
    regex = "[0-9]{4}"

    def to_python(self, value):
        if value == "0000":
            raise ValueError
        return int(value)


class Asking:
    regex = "[a-z]+"

    def to_python(self, value):
        raise RuntimeError("it asks the database, which it may not here")


class Me:
    """A pattern of the project's own, which is neither a route nor a regular expression."""

    converters: dict[str, object] = {}

    def match(self, path):
        return ("", (), {}) if path == "a/me/" else None


register_converter(Year, "patterns_year")
register_converter(Asking, "patterns_asking")
router = DefaultRouter()
router.register("tags", Tags, basename="tag")


def contest(template, *urls, method="GET"):
    return Patterns(tuple(urls)).contest(EndpointPattern(template, frozenset({method})))


def owned(template, paths, *urls):
    found = contest(template, *urls)
    return [found is None or found.holds(one) for one in paths]


@pytest.mark.parametrize(
    ("template", "urls", "others", "own"),
    [
        ("/a/{x}/", [path("a/me/", view), path("a/<x>/", view)], ["/a/me/"], ["/a/you/"]),
        ("/a/{x}/", [path("a/<x>/", view), path("a/me/", view)], [], ["/a/me/"]),
        ("/a/{x}/", [path("a/me/", view)], ["/a/me/"], ["/a/you/"]),
        ("/a/{x}", [path("a/me/", view), path("a/<x>/", view)], ["/a/me"], ["/a/you"]),
        ("/a/{x}", [path("a/me", view), path("a/<x>/", view)], ["/a/me"], ["/a/you"]),
        ("/a/{x}/", [path("a/<int:n>/", view), path("a/<slug:x>/", view)], ["/a/5/"], ["/a/five/"]),
        ("/a/{n:int}/", [path("a/<int:n>/", view), path("a/<slug:x>/", view)], [], ["/a/5/"]),
        ("/a/{n}/", [path("a/<int:n>/", view)], [], ["/a/5/", "/a/five/"]),
        ("/a/{n}/", [path("a/<uuid:n>/", view), path("a/<int:n>/", view)], [], ["/a/5/"]),
        ("/a/{y:int}/", [path("a/<patterns_year:y>/", view), path("a/<int:y>/", view)], ["/a/2020/"], ["/a/0000/"]),
        ("/a/{x}/", [path("a/<patterns_asking:y>/", view), path("a/<x>/", view)], ["/a/any/"], ["/a/7/"]),
        ("/a/{x}/{y}/", [path("a/<patterns_year:x>/b/", view)], ["/a/2020/b/"], ["/a/0000/b/"]),
        ("/a/{x}/", [URLPattern(Me(), view), path("a/<x>/", view)], ["/a/me/"], ["/a/you/"]),
        ("/a/{x}/", [re_path(r"^a/me/$|^b/$", view), path("a/<x>/", view)], ["/a/me/"], ["/a/you/"]),
        ("/a/{x}/", [re_path(r"^a/(m)e/$", view), path("a/<x>/", view)], ["/a/me/"], ["/a/you/"]),
        ("/a/{x}/", [re_path(r"^a/(?P<a>.)(?P=a)/$", view), path("a/<x>/", view)], ["/a/mm/"], ["/a/me/"]),
        ("/a/{x}/", [re_path(r"^a/(new|old)/$", view), path("a/<x>/", view)], ["/a/new/", "/a/old/"], ["/a/now/"]),
        ("/a/{x}/", [re_path(r"^a/me/?$", view), path("a/<x>/", view)], ["/a/me/"], ["/a/you/"]),
        ("/a/{x}/{y}/", [path("a/<x>/more/", view), path("a/<x>/<y>/", view)], ["/a/1/more/"], ["/a/1/2/"]),
        ("/a/{x}/{y}/", [path("a/<x>/more/", view)], ["/a/1/more/"], ["/a/1/2/"]),
        ("/a/{x}/", [re_path(r"^.*$", view)], [], ["/a/any/"]),
        ("/a/{x}/", [path("<path:rest>", view), path("a/<x>/", view)], [], ["/a/any/"]),
        ("/a/{rest:path}", [path("a/me/", view), path("a/<path:rest>", view)], ["/a/me/"], ["/a/b/c"]),
        ("/tags/{tag}/", [path("", include(router.urls))], ["/tags/x.json/"], ["/tags/x/"]),
        ("/tags/{tag}", [path("", include(router.urls))], ["/tags/x.json"], ["/tags/x"]),
        ("/b/a/{x}/", [path("b/", include([path("a/me/", view), path("a/<x>/", view)]))], ["/b/a/me/"], ["/b/a/x/"]),
        ("/{l}/a/{x}/", i18n_patterns(path("a/me/", view), path("a/<x>/", view)), ["/en/a/me/"], ["/en/a/x/"]),
        ("/en/a/{x}/", i18n_patterns(path("a/me/", view), path("a/<x>/", view)), ["/en/a/me/"], ["/en/a/x/"]),
        ("/a/{x}.json", [path("a/feed.json", view), path("a/<x>.json", view)], ["/a/feed.json"], ["/a/x.json"]),
    ],
)
def test_a_path_is_that_of_the_first_pattern_that_django_finds(template, urls, others, own):
    assert owned(template, [*others, *own], *urls) == [False] * len(others) + [True] * len(own)


def test_what_is_written_out_need_not_be_asked_for_each_request():
    found = contest("/a/{x}/", path("a/me/", view), path("a/<x>/", view))
    assert (found.paths, found.always) == ({"/a/me/"}, False)


def test_what_others_have_no_part_in_is_not_asked_about():
    assert contest("/a/{x}/", path("b/me/", view), path("a/<x>/", view), re_path("^.*$", view)) is None


@pytest.mark.parametrize(
    ("old", "head"),
    [
        (view, True),
        (require_GET(view), False),
        (require_http_methods(["GET", "HEAD"])(view), True),
        (Tags.as_view({"get": "retrieve"}), True),
        (type("OnlyGet", (Tags,), {"http_method_names": ["get"]}).as_view({"get": "retrieve"}), False),
    ],
)
@pytest.mark.parametrize("template", ["/a/{x}/", "/a/b/"])
def test_head_is_what_the_old_view_takes(old, head, template):
    found = contest(template, path(template[1:].replace("{x}", "<x>"), old))
    assert (found is None or found.head) == head


class Resolver(URLResolver):
    """As some packages have it."""

    def resolve(self, target):
        found = super().resolve(target)
        found.kwargs["own"] = True
        return found


def test_a_resolver_of_the_projects_own_is_asked():
    inner = Resolver(RoutePattern("a/"), [path("<x>/", view, name="a")], namespace="n")
    found = Patterns((inner,)).branch("/a/{y}/").match("/a/1/")
    assert (found.view_name, found.kwargs, found.route) == ("n:a", {"x": "1", "own": True}, "a/<x>/")


@pytest.mark.parametrize(
    ("template", "namespaces"),
    [("/v1/new/{x}/", ["v1"]), ("/v1/a/", ["v1"]), ("/v1/deep/new/", ["v1", "deep"]), ("/v3/new/", []), ("/new/", [])],
)
def test_a_new_path_is_in_the_namespaces_around_it(template, namespaces):
    deep = path("deep/", include(([path("x/", view)], "deep")))
    inner = ([path("a/<x>/", view), deep], "shop")
    urls = [path(f"{name}/", include(inner, namespace=name)) for name in ("v1", "v2")]
    branch = Patterns(tuple(urls)).branch(template)
    assert (branch.namespaces, branch.match("/v1/other/")) == (namespaces, None)


def test_of_a_urlconf_that_can_not_be_read_no_admins_are_known(settings):
    settings.ROOT_URLCONF = "no.such.urls"
    assert admin_paths() == ()


INDEX = ([path("", view, name="index"), path("log/", view, name="log")], "admin", "any")


@pytest.mark.parametrize(
    ("urls", "admins"),
    [
        ([path("admin/", INDEX)], {"/admin"}),
        ([re_path(r"^my\-admin/", INDEX)], {"/my-admin"}),
        ([path("in/", include([path("admin/", INDEX)])), path("other/", INDEX)], {"/in/admin", "/other"}),
        (i18n_patterns(path("admin/", INDEX)), {"/en/admin", "/pt-br/admin", "/admin"}),
        (
            i18n_patterns(path("admin/", INDEX), prefix_default_language=False),
            {"/en/admin", "/pt-br/admin", "/admin"},
        ),
        ([path("<tenant>/admin/", INDEX)], set()),
        ([path("shop/", include(([path("", view, name="index")], "shop")))], set()),
    ],
)
def test_admins_are_found_in_every_language_whatever_they_are_called(settings, urls, admins):
    settings.LANGUAGES = [("en", "English"), ("pt-br", "Portuguese")]
    assert set(Patterns(tuple(urls)).admins) == admins
