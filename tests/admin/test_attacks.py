"""What a member of staff with few permissions, and what comes from traffic, can't do."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytestmark = pytest.mark.django_db

URL = "/admin/gateway_control/route/"
ONE = f"{URL}endpoints/one/"
SCRIPT = """"><script>alert(1)</script>'{{ 7|add:7 }}"""


# -- files of the server ----------------------------------------------------------------------------


@pytest.mark.long
def test_a_service_is_a_name_and_no_path(staff, served):
    """`gateway scaffold` shows how what is there differs from what it would write."""
    with TemporaryDirectory(prefix="other_") as folder:
        (Path(folder) / "__init__.py").write_text("SECRET_KEY = 'not for you'\n")
        page = staff("view_route").get(ONE, {"endpoint": "GET /api/products/", "service": folder}).content.decode()
    assert "a name of letters, digits, - and _" in page
    assert "not for you" not in page


@pytest.mark.long
@pytest.mark.parametrize("end", ["\n", ""])
def test_no_url_of_a_hook_is_shown(staff, served, tmp_path, end):
    path = tmp_path / "gateway.toml"
    path.write_text(f'{path.read_text()}[hooks.chat]\nformat = "slack"\nurl = "https://hooks.example/T0/B0/key"{end}')
    page = staff("view_route").get(ONE, {"endpoint": "GET /api/products/"}).content.decode()
    assert "+[[routes]]" in page
    assert "T0/B0" not in page
