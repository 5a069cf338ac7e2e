"""What a mirror writes, which is rolled back, is compared with what was written for its caller."""

from __future__ import annotations

import itertools
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections, transaction
from django.http import Http404

from legacy.shop.models import Order
from tests.project import sharing
from tests.shield.test_databases import on_a_thread
from tests.support.databases import known_as

User = get_user_model()
pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]


@pytest.fixture(autouse=True)
def ada(project):
    """A user whom both sides know."""
    project.MIDDLEWARE = []
    return User.objects.create(pk=7, username="ada", email="ada@example.com", first_name="Ada")


def set_to(**columns):
    return lambda: User.objects.filter(pk=7).update(**columns) and None


def create():
    with transaction.atomic():
        order = Order.objects.create(customer=User.objects.get(pk=7))
        order.note = str(uuid.uuid4())
        order.save()


def fail_at_first():
    with transaction.atomic():
        User.objects.update(first_name="")
        transaction.set_rollback(True)
    set_to(first_name="Eva")()


def found(mirrored):
    groups = mirrored.gateways[-1].difference_log.drain().groups
    return [(group.summary, group.severity) for group in groups if group.kind.startswith("row")]


@pytest.mark.parametrize("mirror", ["service", "legacy"])
@pytest.mark.parametrize("act", [set_to(first_name="Eva"), create, fail_at_first])
async def test_where_both_write_the_same_nothing_differs(mirrored, mirrors, act, mirror):
    sharing.acts["legacy" if mirror == "service" else "service"] = act
    await mirrored(act, side=mirror)
    assert (found(mirrored), mirrors().compared) == ([], 1)


@pytest.mark.parametrize("mirror", ["service", "legacy"])
async def test_what_one_side_leaves_out_is_breaking_and_shown(mirrored, mirror):
    sharing.acts["legacy"], service = set_to(last_name="Lovelace", is_staff=True), set_to(last_name="King")
    sharing.acts["service"] = service
    await mirrored(sharing.acts[mirror], side=mirror)
    groups = {group.summary: group for group in mirrored.gateways[-1].difference_log.drain().groups}
    value, only = (
        "row of accounts_user: column last_name has another value",
        "row of accounts_user: column is_staff is set only",
    )
    assert groups[value].severity == groups[f"{only} by legacy"].severity == "breaking"
    [example] = groups[f"{only} by legacy"].examples
    assert (example.expected, example.actual) == ('"true"', "(absent)")
    assert example.pointer == "row:accounts_user:is_staff (id=7)"


async def test_secrets_and_personal_data_are_not_shown(mirrored):
    sharing.acts["legacy"] = set_to(password="open sesame", email="eva@example.com", first_name="Augusta")
    await mirrored(set_to(password="other sesame", email="ida@example.com"))
    groups = mirrored.gateways[-1].difference_log.drain().groups
    assert sum(group.kind == "row" for group in groups) == 3
    assert not any(word in str(groups) for word in ("sesame", "eva@", "ida@", "Augusta"))


async def test_a_row_that_only_the_service_writes_is_told_once(mirrored):
    await mirrored(set_to(first_name="Eva"))
    groups = mirrored.gateways[-1].difference_log.drain().groups
    assert [group.summary for group in groups if group.severity == "breaking"] == [
        "the service writes to accounts_user, legacy doesn't"
    ]


async def test_rows_of_an_answer_of_another_kind_are_its_own(mirrored):
    def fail():
        raise ZeroDivisionError

    sharing.acts["legacy"] = create
    await mirrored(fail)
    assert found(mirrored) == []


async def test_callers_have_what_they_wrote(mirrored):
    sharing.acts["legacy"] = create
    await mirrored(create)
    assert await User.objects.filter(orders__status="new").acount() == 1


# -- what differs by itself -----------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def on_disk(django_db_setup, tmp_path_factory):
    """A database that mirrors of writes may have."""
    known_as("scratch", {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path_factory.mktemp("a") / "scratch")})
    yield
    connections.settings.pop("scratch")


def counting(name):
    """An act that writes another value each time."""
    numbers = itertools.count()

    def act():
        User.objects.filter(pk=7).update(**{name: f"number {next(numbers)}"})

    return act


@pytest.mark.parametrize("mirror", ["service", "legacy"])
async def test_values_that_the_same_side_writes_otherwise_are_noise(mirrored, mirrors, mirror):
    act = counting("first_name")
    sharing.acts["legacy" if mirror == "service" else "service"] = act
    await mirrored(act, side=mirror, route={"control": 100})
    [group] = [group for group in mirrored.gateways[-1].difference_log.drain().groups if group.kind == "row"]
    assert (group.summary, group.count, group.noise) == (NAME, 1, 1)
    assert mirrors().controls == 1


NAME = "row of accounts_user: column first_name has another value"
POST = {"method": "POST", "mirror": {"database": "scratch"}}
ONLY_POST = {"methods": ["POST"]}


@pytest.fixture
def copied():
    """The scratch database has the user too."""
    on_a_thread(lambda: call_command("migrate", database="scratch", verbosity=0))
    on_a_thread(lambda: User.objects.using("scratch").get_or_create(pk=7, username="ada"))


@pytest.mark.django_db(transaction=True, databases=["default", "scratch"])
@pytest.mark.parametrize("mirror", ["service", "legacy"])
async def test_a_write_is_controlled_too_by_whoever_answered_its_caller_and_leaves_nothing(mirrored, copied, mirror):
    act = counting("first_name")
    caller = "legacy" if mirror == "service" else "service"
    sharing.acts[caller] = act
    await mirrored(act, side=mirror, route={"control": 100} | ONLY_POST, **POST)
    assert (len(sharing.said[caller]), len(sharing.said[mirror])) == (2, 1)
    [group] = [group for group in mirrored.gateways[-1].difference_log.drain().groups if group.kind == "row"]
    assert (group.summary, group.count, group.noise) == (NAME, 1, 1)
    assert (await User.objects.aget(pk=7)).first_name == "number 0"


def once():
    """An act that can be done once: as deleting a row is."""
    times = itertools.count()

    def act():
        if next(times):
            raise Http404

    return act


@pytest.mark.parametrize("mirror", ["service", "legacy"])
@pytest.mark.parametrize(("control", "dropped"), [(100, {"unrepeatable": 1}), (0.0001, {"unrepeatable": 1}), (0, {})])
async def test_what_can_be_done_only_once_proves_nothing(mirrored, mirrors, mirror, control, dropped):
    act = once()
    sharing.acts["legacy" if mirror == "service" else "service"] = act
    await mirrored(act, side=mirror, route={"control": control} | ONLY_POST, **POST)
    assert mirrors().dropped == dropped
    assert mirrors().compared == (not dropped)


async def test_what_only_the_service_can_not_do_is_a_difference(mirrored, mirrors):
    def refuse():
        raise Http404

    await mirrored(refuse, route={"control": 100} | ONLY_POST, **POST)
    [group] = [group for group in mirrored.gateways[-1].difference_log.drain().groups if group.count]
    assert (group.kind, group.noise, mirrors().dropped) == ("status", 0, {})
