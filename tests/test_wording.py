"""Counts, durations and names, as messages say them."""

from __future__ import annotations

import copy
import json

import pytest

from gateway.wording import counted, duration, joined, message, plural_message, qualified_name


@pytest.mark.parametrize(("count", "words"), [(0, "0 requests"), (1, "1 request"), (2, "2 requests")])
def test_a_count_says_its_noun_in_the_number_it_has(count, words):
    assert counted(count, "request") == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.00123456, "1.23 ms"), (0.5, "500 ms"), (1, "1 s"), (12.345, "12.3 s")]
)
def test_a_duration_has_three_digits(seconds, words):
    assert duration(seconds) == words


def test_a_name_is_that_of_the_function_or_of_the_class():
    class Callable:
        def __call__(self):
            raise NotImplementedError

    assert qualified_name(counted) == "gateway.wording.counted"
    assert (
        qualified_name(Callable) == f"{__name__}.test_a_name_is_that_of_the_function_or_of_the_class.<locals>.Callable"
    )
    assert qualified_name(Callable()) == f"{__name__}.Callable"


def test_a_message_is_text_that_remembers_what_it_was_made_of():
    found = joined([message("{side} answers", side="legacy"), plural_message("{count} call", "{count} calls", 2)])
    assert found == "legacy answers; 2 calls"
    assert json.dumps([found]) == '["legacy answers; 2 calls"]'
    assert copy.copy(found).values["message0"].template == "{side} answers"
    assert type(str(found)) is str
