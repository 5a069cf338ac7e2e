"""The forms of the project's paths, and which of them a route takes over."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import path, re_path, register_converter
from fastapi import FastAPI, WebSocket

from gateway.workbench.taken import taken_urls
from gateway.workbench.urls import ANYTHING, DIGITS, urls
from tests.workbench.contract.conftest import beside


class Hexadecimal:
    """A converter of a project's own."""

    regex = "[0-9a-f]+"

    def to_python(self, value: str) -> int:
        return int(value, 16)

    def to_url(self, value: int) -> str:
        return f"{value:x}"


register_converter(Hexadecimal, "hexadecimal")


def view(request: Any, **parameters: Any) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("pattern", "segments"),
    [
        (path("a/<int:x>/", view), ("a", DIGITS, "")),
        (path("a/<x>/b/", view), ("a", ANYTHING, "b", "")),
        (re_path(r"^a/(?P<x>[^/]+)$", view), ("a", ANYTHING)),
        (path("a/<hexadecimal:x>/", view), None),
        (path("a/<int:x>-b/", view), None),
        (path("a-<int:x>/", view), None),
        (re_path(r"^a/(?P<x>[0-9]{4})/$", view), None),
        (re_path(r"^a/", view), None),
    ],
)
def test_the_segments_of_a_path_are_known_where_each_is_text_or_a_parameter(settings, pattern, segments):
    settings.ROOT_URLCONF = (pattern,)
    assert [url.path for url in urls()] == [segments]


app = FastAPI(openapi_url=None)


@app.get("/articles/{slug}/")
def article(slug: str) -> None: ...


@app.websocket("/live/")
async def live(socket: WebSocket) -> None: ...


def test_a_url_is_taken_over_where_django_would_have_answered_by_it(settings):
    settings.ROOT_URLCONF = (
        path("articles/7/", view, name="seventh"),
        re_path(r"^articles/(?P<word>\w+)/$", view, name="word"),  # a UUID is none
        path("articles/<uuid:key>/", view, name="key"),
        path("live/", view, name="page-of-a-socket"),
        re_path(r"^words/(?P<word>\w+)/$", view, name="another"),
    )
    ((route, taken),) = taken_urls(beside(app, {}, {"answers": "plain"}).snapshot).items()
    assert (route, [url["name"] for url in taken]) == ("all", ["seventh", "word", "key"])
