"""`explain` as a form."""

import pytest

from legacy.accounts.models import User

pytestmark = pytest.mark.django_db

URL = "/admin/gateway_control/route/explain/"


@pytest.fixture
def why(admin_client, served):
    """The answer to a question."""

    def ask(**form: str) -> str:
        page = admin_client.get(URL, form).content.decode()
        return page.partition('id="gw-why-title"')[2].partition("</form>")[2]

    return ask


def test_a_request_and_its_reason(why):
    found = why(method="GET", path="/api/orders/")
    assert "GET /api/orders/ → legacy" in found
    assert "<dt>Reason</dt><dd>no route" in found
    assert "OrderViewSet" in found


def test_a_user_of_the_project(why):
    user = User.objects.create_user("ada")
    found = why(method="GET", path="/api/products/1/", user="ada")
    assert "products, canary at 10 %" in found
    assert "Bucket" in found
    assert user.pk


@pytest.mark.parametrize(("user", "words"), [("nobody", "there is no user with username"), ("<b>", "&lt;b&gt;")])
def test_a_user_who_does_not_exist_is_said(why, user, words):
    assert words in why(path="/", user=user)


@pytest.mark.parametrize("path", ["/a b/", "//", "http://[", "/%zz", "ü"])
def test_no_path_is_an_error_of_the_page(admin_client, served, path):
    assert admin_client.get(URL, {"path": path}).status_code == 200


def test_without_the_gateway_nobody_can_explain(admin_client, toml):
    assert "served by another server" in admin_client.get(URL, {"path": "/"}).content.decode()
