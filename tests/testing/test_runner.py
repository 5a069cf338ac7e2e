"""The runner for `manage.py test`: the project's own, with requests through the gateway."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test.runner import DiscoverRunner

from gateway.testing import runner
from gateway.testing.runner import GatewayRunnerMixin

HERE = __name__


class OwnRunner(DiscoverRunner):
    """A project's own."""


class Derived(GatewayRunnerMixin, OwnRunner):
    """One that is derived from the gateway's already."""


def made() -> Any:
    return runner.GatewayRunner


@pytest.mark.parametrize(
    ("setting", "base"),
    [
        ("django.test.runner.DiscoverRunner", DiscoverRunner),
        ("gateway.testing.runner.GatewayRunner", DiscoverRunner),
        (f"{HERE}.OwnRunner", OwnRunner),
    ],
)
def test_it_is_the_projects_runner_with_the_gateway(settings, setting, base):
    settings.TEST_RUNNER = setting
    assert issubclass(made(), GatewayRunnerMixin)
    assert issubclass(made(), base)
    assert made() is made()


def test_one_that_is_derived_from_it_is_used_as_it_is(settings):
    settings.TEST_RUNNER = f"{HERE}.Derived"
    assert made() is Derived


def test_one_that_can_not_be_found_is_named_with_what_is_expected(settings):
    settings.TEST_RUNNER = f"{HERE}.NoSuchRunner"
    with pytest.raises(
        ImproperlyConfigured, match=r"NoSuchRunner' can't be imported: .*derived from .*GatewayRunnerMixin"
    ):
        made()


def test_nothing_else_is_made():
    with pytest.raises(AttributeError, match="has no attribute 'OtherRunner'"):
        runner.OtherRunner  # noqa: B018 - that is what fails
