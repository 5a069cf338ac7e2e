"""What the tests of `shop` share."""

import io

import pytest
from PIL import Image


@pytest.fixture
def pixel() -> bytes:
    """The smallest picture there is, as PNG."""
    data = io.BytesIO()
    Image.new("RGB", (1, 1)).save(data, "PNG")
    return data.getvalue()
