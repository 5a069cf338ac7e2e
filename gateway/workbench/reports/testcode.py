"""The beginning of generated tests."""

from __future__ import annotations

__all__ = ["CONFTEST", "MODULE", "TEST"]

MODULE = '''"""Recorded requests, sent to both sides. Written by `gateway replay --pytest`; change it as you like.

A test is skipped where legacy answers otherwise than it did when that was recorded: make the rows it needs in
conftest.py.
"""

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows")]
'''

TEST = """

def test_{name}(compare_sides, caller):
    sides = compare_sides(
{arguments}    )
    assert sides.differences == []
"""

CONFTEST = '''"""The rows and users that recorded requests need. Written by `gateway replay --pytest`, to be changed."""

import pytest


@pytest.fixture
def rows(db):
    """The rows that the requests ask for: make them here, or load a fixture."""


@pytest.fixture
def caller(django_user_model):
    """`caller("staff")`: a user of this kind."""

    def of(kind):
        user = django_user_model(**{django_user_model.USERNAME_FIELD: f"{kind}@example.com"})
        user.is_staff = kind in ("staff", "superuser")
        user.is_superuser = kind == "superuser"
        user.set_unusable_password()
        user.save()
        return user

    return of
'''
