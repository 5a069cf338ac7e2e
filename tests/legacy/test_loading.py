"""Middleware is made as Django makes it, but for where it reads a user's name: as the configuration says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest

from gateway.legacy.loading import made

PATH = f"{__name__}.ByHeader"


class ByHeader:
    """As RemoteUserMiddleware since Django 6.1: it reads another key of an ASGI request than of a WSGI request."""

    header = "X_USER"

    def __init__(self, get_response: Callable[..., Any]) -> None:
        self.get_response = get_response

    def get_username(self, request: HttpRequest) -> str:
        raise NotImplementedError("by the kind of the request")


class Plain:
    def __init__(self, get_response: Callable[..., Any]) -> None:
        self.get_response = get_response


@pytest.mark.parametrize(("is_async", "key"), [(True, "HTTP_X_USER"), (False, "X_USER")])
def test_the_user_is_in_the_key_that_the_server_of_before_had(is_async, key):
    request = HttpRequest()
    request.META = {key: "ada"}
    assert made(PATH, ByHeader, print, {PATH: is_async}).get_username(request) == "ada"
    with pytest.raises(KeyError):  # as Django's, which takes it for nobody
        made(PATH, ByHeader, print, {PATH: not is_async}).get_username(request)


def test_what_reads_in_one_way_is_left_alone():
    assert made(PATH, ByHeader, print, {}).get_username.__func__ is ByHeader.get_username
    assert vars(made(PATH, Plain, print, {PATH: True})) == {"get_response": print}
