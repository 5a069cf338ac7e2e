"""Creates upstreams, routes and control from a configuration: the package that imports all others.

django.py     sets Django up
legacy.py     the upstream for [legacy]
services.py   the upstreams for [services.NAME]
apidoc.py     the API document, and its pages
gateway.py    all, compiled into a snapshot, and the other parts of a Gateway
"""

from gateway.composition.apidoc import api_document, build_pages
from gateway.composition.django import set_up_django, set_up_legacy
from gateway.composition.gateway import (
    apart_from_any_loop,
    breaker_of,
    build,
    build_control,
    compile_for,
    prepare_for_mirrors,
    redaction_key,
    site_of,
)
from gateway.composition.legacy import authentication_of_drf, build_legacy
from gateway.composition.services import build_services

__all__ = [
    "apart_from_any_loop",
    "api_document",
    "authentication_of_drf",
    "breaker_of",
    "build",
    "build_control",
    "build_legacy",
    "build_pages",
    "build_services",
    "compile_for",
    "prepare_for_mirrors",
    "redaction_key",
    "set_up_django",
    "set_up_legacy",
    "site_of",
]
