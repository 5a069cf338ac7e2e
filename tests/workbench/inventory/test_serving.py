"""Who serves an endpoint, and which nobody reaches."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path, re_path

from gateway import Gateway
from gateway.legacy.patterns import patterns_of
from gateway.workbench.inventory import Endpoint, endpoints
from gateway.workbench.inventory.report import InventoryEntry
from gateway.workbench.inventory.samples import samples
from gateway.workbench.inventory.serving import Serving, serving
from gateway.workbench.inventory.usage import Usage


def view(request, **_):
    return HttpResponse()


urlpatterns = [
    path("items/<int:number>/", view, name="number"),
    path("items/<slug:slug>/", view, name="slug"),
    path("items/new/", view, name="new"),
    re_path(r"^kinds/(?P<kind>posts|comments)/$", view, name="kind"),
    re_path(r"^kinds/(?P<kind>default_(one|two)-\d)/$", view, name="spelled"),
    re_path(r"^twice/(?P<twice>(\w)\2)/$", view, name="twice"),
    re_path(r"^codes/(?P<code>[A-Z]{9}-\d{4})/$", view, name="code"),
]
ALL = {"service": "items", "claim": "all"}
CONFIG = {
    "legacy": {"settings": "legacy.settings"},
    "services": {"items": {"url": "http://127.0.0.1:9"}},
    "routes": [
        {
            "name": "numbers",
            "path": "/items/{number:int}/",
            "service": "items",
            "claim": "all",
            "methods": ["GET"],
            "stage": "shadow",
        },
        {"name": "kinds", "prefix": "/kinds", "service": "items", "claim": "all", "stage": "live"},
    ],
}


@pytest.fixture
def found() -> dict[str, tuple[Endpoint, Serving]]:
    with override_settings(ROOT_URLCONF=__name__):
        served = serving(endpoints(), Gateway(CONFIG).snapshot)
    return {endpoint.name: (endpoint, serves) for endpoint, serves in served.items()}


def test_a_route_claims_the_methods_that_it_names(found):
    [claim] = found["number"][1].claims
    assert (claim.route, claim.service, claim.methods, claim.state.stage) == ("numbers", "items", ("GET",), "shadow")


def test_a_prefix_claims_every_method(found):
    [claim] = found["kind"][1].claims
    assert (claim.methods, claim.template, claim.state.stage) == (("*",), "/kinds", "live")


def test_what_an_earlier_pattern_takes_is_hidden(found):
    assert found["new"][1] == Serving(hidden_by="items/<slug:slug>/")
    assert found["slug"][1].hidden_by is None
    dead = [InventoryEntry(*found[name], Usage()).dead for name in ("new", "slug")]
    assert dead == ["hidden by 'items/<slug:slug>/', which comes before it", "no request"]


def test_a_path_that_cannot_be_made_up_is_not_guessed(found):
    assert found["code"][1] == Serving(known=False)


def test_samples_are_paths_of_the_endpoint(found):
    for name in ("number", "slug", "kind", "spelled"):
        endpoint = found[name][0]
        start, end = re.split(r"{\w+}", endpoint.template)
        assert [*samples(endpoint)]
        assert all(re.fullmatch(f"{start}({endpoint.parameters[0].regex}){end}", one) for one in samples(endpoint))


@pytest.mark.parametrize(("asked", "name"), [("/items/7/", "number"), ("/items/a/", "slug"), ("/items/", None)])
def test_the_owner_of_a_path_is_what_django_finds(asked, name):
    owner = patterns_of(__name__).owner(asked)
    assert (owner[-1].name if owner else None) == name
