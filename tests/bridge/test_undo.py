"""Endpoints of which nothing is left when they fail: then legacy may answer an unsafe request too, and once."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.http import HttpResponse

from gateway import ConfigError
from gateway.bridge.rollback import all_in_transaction, is_undone, undoing
from tests.support.asgi import ask, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def writing(gateway):
    """Build a gateway whose route may repeat unsafe requests; keyword arguments are more keys of the route."""

    def build(**route):
        table = {"name": "b", "prefix": "/b", "service": "bridged", "fallback": {"unsafe": True}}
        return gateway(services={"bridged": {"app": "tests.project.bridged:app"}}, routes=[table | route])

    return build


async def names() -> list[str]:
    return [name async for name in get_user_model().objects.order_by("username").values_list("username", flat=True)]


async def test_what_failed_and_was_rolled_back_legacy_answers(writing):
    async with running(writing()) as app:
        found = await ask(app, "/b/undoable/ada/?fail=raise", "POST")
        assert (found.status, found["x-served-by"], found.json()) == (200, "legacy", {"legacy": "ada"})
        assert await names() == ["ada"]


async def test_what_succeeds_is_the_services_and_written_once(writing):
    async with running(writing()) as app:
        found = await ask(app, "/b/undoable/ada/", "POST")
        assert (found.status, found["x-served-by"], await names()) == (200, "bridged", ["ada"])


async def test_an_error_that_the_service_meant_is_its_answer(writing):
    async with running(writing()) as app:
        found = await ask(app, "/b/undoable/ada/?fail=409", "POST")
        assert (found.status, found["x-served-by"]) == (409, "bridged")


async def test_what_an_error_that_the_service_meant_has_written_stays_as_without_the_mark(writing):
    async with running(writing()) as app:
        await ask(app, "/b/undoable/ada/?fail=409", "POST")
        await ask(app, "/b/unmarked/bob/?fail=409", "POST")
        assert await names() == ["ada", "bob"]


async def test_nothing_is_repeated_without_the_mark(writing):
    async with running(writing()) as app:
        found = await ask(app, "/b/unmarked/ada/?fail=raise", "POST")
        assert (found.status, found["x-served-by"], await names()) == (500, "bridged", ["ada"])


async def test_nothing_is_repeated_where_the_route_does_not_say_so(writing):
    async with running(writing(fallback={})) as app:
        found = await ask(app, "/b/undoable/ada/?fail=raise", "POST")
        assert (found.status, found["x-served-by"], await names()) == (500, "bridged", [])


async def test_what_fails_after_its_answer_has_answered(writing):
    async with running(writing()) as app:
        found = await ask(app, "/b/undoable-exit/ada/", "POST")
        assert (found.status, found["x-served-by"], await names()) == (200, "bridged", ["ada"])


async def test_what_fails_once_it_is_committed_is_not_repeated(writing):
    """An on_commit hook that raises: the transaction is there to stay, so legacy would do all of it again."""
    async with running(writing()) as app:
        found = await ask(app, "/b/undoable-hook/ada/", "POST")
        assert (found.status, found["x-served-by"], await names()) == (500, "bridged", ["ada"])


def test_nothing_is_undone_once_one_of_several_databases_may_have_committed(monkeypatch, rf):
    """The second commit fails: what the first database has is there to stay."""

    class Block:
        def __init__(self, alias):
            self.alias = alias

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            if kind is None and self.alias == "one":
                raise RuntimeError("the connection is lost")

    monkeypatch.setattr("gateway.bridge.rollback.transaction.atomic", lambda using, durable: Block(using))
    request = rf.post("/")
    with pytest.raises(RuntimeError):
        undoing(lambda _: HttpResponse(), ("one", "two"))(request)
    assert not is_undone(request)


def test_a_database_that_can_not_be_entered_has_nothing_to_undo(monkeypatch, rf):
    monkeypatch.setattr("gateway.bridge.rollback.transaction.atomic", lambda using, durable: 1 / 0)
    request = rf.post("/")
    with pytest.raises(ZeroDivisionError):
        undoing(lambda _: HttpResponse(), ("one",))(request)
    assert is_undone(request)


def test_what_was_committed_is_not_undone_whatever_fails_after_that(rf):
    """`on_commit` runs what it was given after the commit, and hands on what that raises."""

    def mails() -> None:
        raise OSError("no route to host")

    def view(request):
        get_user_model().objects.create(username="ada")
        transaction.on_commit(mails)
        return HttpResponse()

    request = rf.post("/")
    with pytest.raises(OSError, match="no route"):
        undoing(view, ("default",))(request)
    assert get_user_model().objects.count() == 1
    assert not is_undone(request)


async def test_atomic_requests_and_the_mark_go_together(gateway, settings):
    """One transaction, not one in another, which might be committed after all."""
    table = {"name": "b", "prefix": "/b", "service": "only", "fallback": {"unsafe": True}}
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        services = {"only": {"app": "tests.project.bridged:undoable_only"}}
        async with running(gateway(services=services, routes=[table])) as app:
            found = await ask(app, "/b/undoable/ada/?fail=raise", "POST")
            assert (found.status, found["x-served-by"], await names()) == (200, "legacy", ["ada"])
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("undoable_async", "`def` instead of async def tests.project.services"),
        ("undoable_elsewhere", "all_in_transaction(using=…) of tests.project.services"),
    ],
)
def test_what_can_not_be_undone_is_refused_at_start(gateway, app, says):
    with pytest.raises(ConfigError) as caught:
        gateway(services={"s": {"app": f"tests.project.services:{app}"}})
    assert says in str(caught.value)


def test_the_mark_returns_the_endpoint_itself():
    def endpoint() -> None: ...

    assert all_in_transaction(endpoint) is endpoint
    assert all_in_transaction(using=("default", "other"))(endpoint) is endpoint
