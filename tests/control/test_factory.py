"""Who gets a control, and what `gateway serve` says of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps

from gateway import Gateway
from gateway.composition import build_control
from gateway.control.worker import Control
from gateway.workbench import describe


def test_a_project_with_the_app_is_kept_in_step_with_its_database(gateway: Callable[..., Gateway]) -> None:
    assert isinstance(build_control(gateway()), Control)


def test_a_project_without_it_has_no_threads_of_ours(
    gateway: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "gateway.control")
    assert build_control(gateway()) is None


def test_its_two_connections_are_counted(gateway: Callable[..., Gateway]) -> None:
    built = gateway()
    without = describe.threads(built)
    built.control = build_control(built)
    assert describe.threads(built) == without + 2
