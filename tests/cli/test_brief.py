"""`gateway brief` as a page of text. tests/workbench/test_brief.py has what is in it."""

from __future__ import annotations

import pytest


def test_a_page_of_django_has_its_view_and_nothing_of_rest_framework(invoke, catalog):
    text = invoke("brief", "cart").stdout
    assert text.startswith("# GET /cart/\n\n- view: `legacy.shop.views.cart_detail`\n")
    assert "- URL name: cart\n" in text
    assert "```python\n@require_safe\ndef cart_detail(" in text
    assert "## SQL" not in text
    assert "## REST_FRAMEWORK" not in text


@pytest.mark.parametrize("part", ["## SQL", "```sql\nSELECT ", "## REST_FRAMEWORK\n\n- `", "- parameter `pk`: `"])
def test_an_endpoint_of_rest_framework_has_its_query_and_the_defaults_too(invoke, catalog, part):
    assert part in invoke("brief", "GET /api/products/{id}/").stdout
