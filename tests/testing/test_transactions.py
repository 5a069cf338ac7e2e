"""A test and what it asks for share a connection, and so a transaction."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from gateway.testing.live import running
from tests.testing import site
from tests.testing.conftest import elsewhere

pytestmark = pytest.mark.table

READERS = [
    "/names/",
    "/names/async/",
    "/plain/names/",
    "/plain/names/async/",
    "/plain/names/to-thread/",
    "/bridged/names/",
    "/bridged/names/async/",
    "/bridged/names/to-thread/",
]
WRITERS = [
    "/create/eve/",
    "/create-async/eve/",
    "/plain/create/eve/",
    "/plain/create-async/eve/",
    "/bridged/create/eve/",
    "/bridged/create-async/eve/",
]


def names():
    return sorted(Group.objects.values_list("name", flat=True))


@pytest.fixture(autouse=True)
def _nothing_committed():
    site.committed.clear()


# -- synchronous tests --------------------------------------------------------------------------


@pytest.mark.django_db
def test_looking_whether_the_database_is_there_leaves_the_transaction_of_the_test(gateway_app):
    Group.objects.create(name="ada")
    running().run(gateway_app.legacy.unreachable_stores())  # as when a service raises OperationalError
    assert names() == ["ada"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", READERS)
def test_rows_of_a_test_are_visible(gateway_client, path):
    Group.objects.create(name="ada")
    assert gateway_client.get(path).json() == ["ada"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", READERS)
def test_rows_of_a_test_are_visible_to_httpx(gateway_http_sync, path):
    Group.objects.create(name="ada")
    assert gateway_http_sync.get(path).json() == ["ada"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", WRITERS)
def test_what_is_written_is_in_the_transaction_of_the_test(gateway_client, path):
    assert gateway_client.post(path).status_code in (200, 201)
    assert connection.in_atomic_block
    assert (names(), elsewhere(names)) == (["eve"], [])


@pytest.mark.django_db
@pytest.mark.parametrize("path", READERS)
def test_what_other_tests_wrote_is_gone(gateway_client, path):
    assert gateway_client.get(path).json() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", WRITERS)
def test_what_is_written_in_a_transactional_test_is_committed(gateway_client, path):
    Group.objects.create(name="ada")
    gateway_client.post(path)
    assert (names(), elsewhere(names)) == (["ada", "eve"], ["ada", "eve"])


@pytest.mark.django_db
def test_an_endpoint_that_fails_takes_back_only_its_own(gateway_client):
    Group.objects.create(name="ada")
    assert gateway_client.post("/bridged/half/eve/").status_code == 409
    assert names() == ["ada"]


@pytest.mark.django_db
def test_atomic_requests_take_back_what_an_endpoint_wrote(gateway_client, settings, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    Group.objects.create(name="ada")
    gateway_client.raise_request_exception = False
    assert gateway_client.post("/create/ada/").status_code == 500  # the name is taken
    assert names() == ["ada"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/create/eve/", "/plain/create/eve/", "/bridged/create/eve/"])
def test_callbacks_on_commit_are_captured(gateway_client, django_capture_on_commit_callbacks, path):
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        gateway_client.post(path)
        assert site.committed == []
    assert (len(callbacks), site.committed) == (1, ["eve"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/create/eve/", "/plain/create/eve/", "/bridged/create/eve/"])
def test_callbacks_on_commit_run_in_a_transactional_test(gateway_client, path):
    gateway_client.post(path)
    assert site.committed == ["eve"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", READERS)
def test_queries_are_counted(gateway_client, django_assert_num_queries, path):
    gateway_client.get(path)
    with django_assert_num_queries(1):
        gateway_client.get(path)


@pytest.mark.parametrize("path", ["/names/", "/plain/names/async/", "/bridged/names/"])
def test_a_test_without_a_database_has_none(gateway_client, path):
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        gateway_client.get(path)


@pytest.mark.django_db
def test_a_savepoint_of_the_test_is_rolled_back_with_what_was_asked_in_it(gateway_client):
    with transaction.atomic():
        gateway_client.post("/bridged/create-async/eve/")
        transaction.set_rollback(True)
    assert names() == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/thread/", "/plain/thread/", "/bridged/thread/"])
def test_synchronous_code_runs_on_the_thread_that_asks(gateway_client, path):
    assert gateway_client.get(path).json() == threading.get_ident()


@pytest.mark.django_db(transaction=True)
def test_threads_of_a_test_ask_each_for_itself(gateway_client):
    asked = [elsewhere(lambda: (gateway_client.get("/plain/thread/").json(), threading.get_ident())) for _ in range(3)]
    assert all(answer == own for answer, own in asked)
    assert threading.get_ident() not in {own for _, own in asked}


# -- asynchronous tests -------------------------------------------------------------------------


@pytest.fixture
def ada(db):
    return Group.objects.create(name="ada")


@pytest.mark.anyio
@pytest.mark.parametrize("path", READERS)
async def test_an_async_test_shares_its_rows(gateway_http, ada, path):
    await Group.objects.acreate(name="bob")
    assert (await gateway_http.get(path)).json() == ["ada", "bob"]


@pytest.mark.anyio
@pytest.mark.django_db
@pytest.mark.parametrize("path", WRITERS)
async def test_an_async_test_sees_what_was_written_and_nobody_else_does(gateway_http, path):
    assert (await gateway_http.post(path)).is_success
    assert await Group.objects.filter(name="eve").aexists()
    assert elsewhere(names) == []


@pytest.mark.anyio
@pytest.mark.django_db
@pytest.mark.parametrize("path", WRITERS)
async def test_what_an_async_test_wrote_is_gone(gateway_http, path):
    assert (await gateway_http.get("/names/")).json() == []


@pytest.mark.anyio
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", WRITERS)
async def test_what_an_async_transactional_test_writes_is_committed(gateway_http, path):
    await gateway_http.post(path)
    assert elsewhere(names) == ["eve"]


@pytest.mark.anyio
@pytest.mark.django_db
async def test_requests_of_an_async_test_may_overlap(gateway_http):
    await asyncio.gather(*(gateway_http.post(f"/bridged/create/user{number}/") for number in range(20)))
    assert len((await gateway_http.get("/plain/names/async/")).json()) == 20


@pytest.mark.anyio
@pytest.mark.parametrize(
    "transactional",
    [
        pytest.param(False, marks=pytest.mark.django_db),
        pytest.param(True, marks=pytest.mark.django_db(transaction=True)),
    ],
)
async def test_transactions_of_requests_that_overlap_are_apart(gateway_http, transactional):
    wanted = [number for number in range(20) if number % 3]
    answers = await asyncio.gather(
        *(gateway_http.post(f"/bridged/slowly/user{number}/", params={"fail": number % 3 == 0}) for number in range(20))
    )
    assert [answer.status_code == 200 for answer in answers] == [number in wanted for number in range(20)]
    found = (await gateway_http.get("/names/")).json()
    assert found == sorted(f"user{number}" for number in wanted)
