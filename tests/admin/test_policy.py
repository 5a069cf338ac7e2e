"""A strict Content-Security-Policy lets the pages through: Django's own (6.0), and django-csp's."""

import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import django
import pytest

URL = "/admin/gateway_control/route/"
pytestmark = pytest.mark.django_db


def django_csp(settings: Any) -> None:
    from csp.constants import NONCE, NONE, SELF

    directives = {"default-src": [NONE], "script-src": [NONCE], "style-src": [SELF], "connect-src": [SELF]}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": directives}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "csp.middleware.CSPMiddleware"]


def djangos_own(settings: Any) -> None:
    from django.utils.csp import CSP

    sources = {"script-src": [CSP.NONCE], "style-src": [CSP.SELF], "connect-src": [CSP.SELF]}
    settings.SECURE_CSP = {"default-src": [CSP.NONE], **sources}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"]
    (engine,) = settings.TEMPLATES
    processors = [*engine["OPTIONS"]["context_processors"], "django.template.context_processors.csp"]
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "context_processors": processors}}]


def policies() -> Iterator[Callable[[Any], None]]:
    """Those that are here: CI has both, with different versions of Django."""
    if find_spec("csp") is not None:
        yield django_csp
    if django.VERSION >= (6, 0):
        yield djangos_own


@pytest.mark.parametrize("page", ["", "catalog/change/", "explain/"])
def test_the_script_carries_the_nonce(admin_client, toml, settings, page):
    middleware = settings.MIDDLEWARE
    for policy in policies():
        settings.MIDDLEWARE = middleware
        policy(settings)
        response = admin_client.get(f"{URL}{page}")
        nonce = re.search(r"'nonce-([^']+)'", response["Content-Security-Policy"])
        assert nonce is not None
        assert re.search(rf'live\.js" defer nonce="{re.escape(nonce[1])}"', response.content.decode())


def test_without_a_policy_there_is_no_nonce(admin_client, toml):
    assert "nonce=" not in admin_client.get(URL).content.decode()
