"""Who may, by `require_perm`, whatever the project's users are."""

from __future__ import annotations

import pytest
from fastapi import HTTPException

from gateway.bridge import require_perm

pytestmark = pytest.mark.anyio


class Key:
    """A user of an authentication of the project's own: without permissions."""


async def test_a_user_of_a_kind_without_permissions_has_none():
    with pytest.raises(HTTPException) as caught:
        await require_perm("shop.change_order")(user=Key())
    assert caught.value.status_code == 403
