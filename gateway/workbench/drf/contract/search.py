"""Searches generated values for the smallest one that the sides treat differently."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import seed as seeded
from hypothesis.strategies import SearchStrategy

from gateway.workbench.contract.result import ContractExample

__all__ = ["smallest_difference"]

K = TypeVar("K")  # the kind of a difference


class _Found(Exception):  # raised when hypothesis finds a difference
    pass


def smallest_difference(
    values: SearchStrategy[Any],
    compare: Callable[[Any], tuple[K, ContractExample] | None],
    known: Container[K],
    *,
    count: int,
    seed: int,
) -> tuple[K, ContractExample] | None:
    """The difference for the smallest of `values` whose kind is not `known`, of `count` that are tried; None without.

    `compare` returns the kind of a difference and its example, None for a value that both sides treat equally.
    """
    last: list[tuple[K, ContractExample]] = []

    @seeded(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @hypothesis.given(values)
    def look(value: Any) -> None:
        found = compare(value)
        if found is not None and found[0] not in known:
            last[:] = [found]
            raise _Found

    try:
        look()
    except _Found:
        return last[0]
    return None
