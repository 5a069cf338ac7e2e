"""What a person writes for what is to be recorded."""

import pytest

from gateway.config.routes import RouteConfig
from gateway.recording.plan import Target
from gateway.workbench.caller import NoSuchUser
from gateway.workbench.inventory import NoSuchEndpoint
from gateway.workbench.record.targets import duration, targets_of
from gateway.workbench.record.users import user_named

ROUTES = [RouteConfig(name="catalog", prefix="/api/products", service="catalog")]


def test_routes_and_endpoints():
    found = targets_of(["catalog", "GET /api/categories/{id}/", "catalog"], ROUTES)
    assert found == [Target(route="catalog"), Target(method="GET", template="/api/categories/{pk}/")]


def test_a_path_without_a_method_is_all_its_endpoints():
    methods = {one.method for one in targets_of(["/api/categories/"], ROUTES)}
    assert {"GET", "POST"} <= methods


def test_what_there_isnt_is_refused_with_what_is_near():
    with pytest.raises(NoSuchEndpoint, match="/api/categories/"):
        targets_of(["/api/categorie/"], ROUTES)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("7d", 604800)])
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "8d", "-1m", "ages"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="90s, 10m, 2h or up to 7d, not"):
        duration(text)


@pytest.mark.long
@pytest.mark.django_db
def test_users_by_name_and_key(django_user_model):
    ada = django_user_model.objects.create_superuser("ada", "ada@example.org", "x")
    assert user_named("ada") == user_named(str(ada.pk))
    assert (user_named("ada").kind, user_named("ada").ref) == ("superuser", str(ada.pk))
    assert user_named(None).kind == user_named("anonymous").kind == "anonymous"
    with pytest.raises(NoSuchUser, match="the project has no user 'eve': give username or the key"):
        user_named("eve")
