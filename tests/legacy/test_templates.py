"""Django's patterns as templates of Starlette's."""

from __future__ import annotations

import pytest
from django.urls import include, path, re_path
from django.urls.resolvers import RegexPattern, RoutePattern
from rest_framework.urlpatterns import format_suffix_patterns
from starlette.routing import compile_path

from gateway.legacy.templates import Named, Unspeakable, convertor_for, templates, urls


def spelled(*patterns):
    found = templates([RegexPattern(one) if one.startswith("^") else RoutePattern(one) for one in patterns])
    return ["".join(one if isinstance(one, str) else f"{{{one.name}|{one.regex}}}" for one in way) for way in found]


@pytest.mark.parametrize(
    ("patterns", "templates"),
    [
        (["api/", "things/<int:pk>/"], ["/api/things/{pk|[0-9]+}/"]),
        (["<slug>"], ["/{slug|[^/]+}"]),
        (["api/", r"^things/(?P<pk>[^/.]+)/$"], ["/api/things/{pk|[^/.]+}/"]),
        ([r"^things\.(?P<format>[a-z0-9]+)/?$"], ["/things.{format|[a-z0-9]+}", "/things.{format|[a-z0-9]+}/"]),
        ([r"^old/(\d+)/$"], [r"/old/{part_4|(?:\d+)}/"]),
        ([r"^y/(?P<y>\d{4})/(?:page-(?P<p>\d+)/)?$"], [r"/y/{y|\d{4}}/", r"/y/{y|\d{4}}/page-{p|\d+}/"]),
        ([r"^colou?r$"], ["/color", "/colour"]),
        ([r"^(?:a|b)/x$|^c$"], ["/a/x", "/b/x", "/c"]),
        ([r"^t/(?!me/)(?P<t>\w+)/$"], [r"/t/{t|(?!me/)\w+}/"]),
        ([r"^a/(?P<x>(?P<y>b)c)$"], ["/a/{x|(?:b)c}"]),
        (["<pk>/", "<pk>"], ["/{pk_1|[^/]+}/{pk|[^/]+}"]),
        ([r"^files/(?P<rest>.*)"], ["/files/{rest|.*}"]),
        ([r"^a/\d/$"], [r"/a/{part_2|\d}/"]),
        ([r"^a/[xy]$"], ["/a/{part_2|[xy]}"]),
    ],
)
def test_spelling(patterns, templates):
    assert spelled(*patterns) == templates


def test_a_format_of_django_rest_framework_has_its_slash_apart():
    (_, suffixed) = format_suffix_patterns([path("things", print)])
    assert [way[-1] for way in templates([suffixed.pattern])] == [Named("format", r"\.[a-z0-9]+"), "/"]


@pytest.mark.parametrize("regex", [r"^(a)\1$", r"^(?i:a)$", r"^(?P<a>x)(?P=a)$"])
def test_what_no_template_says(regex):
    with pytest.raises(Unspeakable):
        spelled(regex)


def test_a_convertor_takes_in_what_the_pattern_does():
    name = convertor_for("[a-z_]+")
    assert convertor_for("[a-z_]+") == name
    pattern, _, _ = compile_path(f"/{{word:{name}}}/")
    assert (pattern.match("/a_b/")["word"], pattern.match("/a-b/")) == ("a_b", None)


class URLs:
    inner = [re_path(r"^x/$", print, name="x")]
    urlpatterns = [path("a/", include((inner, "app"), namespace="one")), path("b/", print)]


def test_urls_have_names_and_namespaces():
    assert [(str(url), url.view_name) for url in urls(URLs)] == [("/a/^x/$", "one:x"), ("/b/", None)]
