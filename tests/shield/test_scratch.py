"""Mirrors of writes have the database that `[mirror] database` names, and leave nothing there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import close_old_connections, connection, connections, transaction

from gateway.config.problems import ConfigError
from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.shield.databases import shield_databases
from gateway.shield.scratch import divert_databases
from tests.project import sharing
from tests.shield.test_databases import TABLE, add, on_a_thread, rows, run
from tests.support.asgi import ask, running, until
from tests.support.databases import KINDS, empty_database, known_as


@pytest.fixture(autouse=True)
def diverted():
    shield_databases()
    divert_databases()


@pytest.fixture(scope="module", params=KINDS)
def two(request, tmp_path_factory, django_db_blocker):
    """The aliases of a database and of another one that is to be used in its place."""
    folders = [tmp_path_factory.mktemp("original"), tmp_path_factory.mktemp("scratch")]
    with (
        django_db_blocker.unblock(),
        empty_database(request.param, folders[0]) as original,
        empty_database(request.param, folders[1]) as scratch,
    ):
        aliases = f"original_{request.param}", f"scratch_{request.param}"
        for alias, database in zip(aliases, (original, scratch), strict=True):
            known_as(alias, database.settings)
            on_a_thread(lambda alias=alias: run(alias, TABLE))
        yield aliases
        for alias in aliases:
            connections.settings.pop(alias)


def as_mirror(two, work):
    """Let a mirror do `work` with the second of `two` in the place of the first. Returns its scope and the result."""

    def job():
        scope = MirrorScope(databases=dict([two]))
        with mirror_scope(scope):
            try:
                result = work()
            finally:
                scope.end_here()
        return scope, result

    return on_a_thread(job)


@pytest.mark.long
def test_a_mirror_writes_into_the_other_database_which_stays_as_it_was(two):
    original, scratch = two

    def write():
        with transaction.atomic(using=original, durable=True):
            add(original, 1)
        return run(scratch, "SELECT COUNT(*) FROM thing")[0][0], connections[original].alias

    assert as_mirror(two, write)[1] == (1, scratch)
    assert (len(rows(original)), len(rows(scratch))) == (0, 0)


def test_a_mirror_that_writes_waits_for_no_lock_of_a_callers_and_holds_none(two):
    original, _ = two

    def caller_and_mirror():
        with transaction.atomic(using=original):
            add(original, 2)  # the whole file is locked in SQLite
            return as_mirror(two, lambda: add(original, 2))

    on_a_thread(caller_and_mirror)
    assert list(rows(original)) == [("2",)]
    on_a_thread(lambda: run(original, "DELETE FROM thing"))


def test_a_connection_of_callers_that_was_kept_is_refused(two):
    kept = []

    def job():
        kept.append(connections[two[0]])
        scope = MirrorScope(databases=dict([two]))
        with mirror_scope(scope), pytest.raises(Exception, match="not the thread's own"):
            kept[0].cursor()
        scope.end_here()
        return scope

    assert two[0] in on_a_thread(job).refusal


def test_who_tidies_connections_up_finds_callers_too(two):
    original, scratch = two

    def job():
        callers = connections[original]
        callers.ensure_connection()
        scope = MirrorScope(databases=dict([two]))
        with mirror_scope(scope):
            add(original, 3)
            close_old_connections()
            assert callers in connections.all(initialized_only=True)
            count = run(original, "SELECT COUNT(*) FROM thing")[0][0]
            scope.end_here()
        return scope.refusal, count, callers.connection is None

    assert on_a_thread(job) == (None, 1, True)  # CONN_MAX_AGE is 0
    assert len(rows(scratch)) == 0


# -- in the gateway -------------------------------------------------------------------------------

POST = {"name": "s", "prefix": "/s", "service": "s", "stage": "shadow"}
SERVICES = {"s": {"app": "tests.project.sharing:app"}}


@pytest.fixture(scope="module", autouse=True)
def on_disk(tmp_path_factory):
    """DATABASES has an SQLite file named "default", as in the demo, and others named "other" and "scratch"."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("other", "scratch"):
        known_as(name, {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / name)})
    yield
    for name in ("other", "scratch"):
        connections.settings.pop(name)


@pytest.mark.parametrize(
    ("methods", "claimed", "database", "expected"),
    [
        (["POST"], None, {}, "no writes while DATABASES['other'] is SQLite"),
        (["GET", "DELETE"], None, {}, 'database = { other = "scratch" }, or leave DELETE out'),
        (["GET", "OPTIONS"], None, {}, None),
        (["GET", "POST"], ["GET"], {}, None),
        (["POST"], None, {"other": "scratch"}, "no writes while DATABASES['default'] is SQLite"),
        (["POST"], None, {"default": "scratch", "other": "scratch"}, None),
        (["POST"], None, {"other": "nowhere"}, "mirror.database = 'nowhere': an alias of DATABASES: "),
        (["GET"], None, {"nowhere": "scratch"}, "mirror.database = 'nowhere': an alias of DATABASES: "),
        (["POST"], None, {"other": "other"}, "mirror.database = 'other': another database than 'other'"),
        (["GET"], None, "other", None),
        (["GET"], None, "default", "another database than 'default'"),
        (["GET"], None, 1, 'an alias of DATABASES, or a table such as { default = "scratch" }'),
    ],
)
def test_writes_are_not_mirrored_on_sqlite_but_in_a_copy(
    gateway, django_db_blocker, methods, claimed, database, expected
):
    route = POST | {"mirror": {"methods": methods}} | ({"methods": claimed} if claimed else {})
    tables = {"services": SERVICES, "routes": [route], "mirror": {"database": database}}
    with django_db_blocker.unblock():
        if expected is None:
            gateway(**tables)
            return
        with pytest.raises(ConfigError) as raised:
            gateway(**tables)
    assert expected in str(raised.value)


@pytest.mark.long
@pytest.mark.anyio
@pytest.mark.django_db(transaction=True, databases=["default", "scratch"])
async def test_a_mirrored_post_writes_into_the_copy_and_a_get_reads_the_original(gateway, project):
    project.ROOT_URLCONF, project.MIDDLEWARE = "tests.project.sharing", []
    on_a_thread(lambda: call_command("migrate", database="scratch", verbosity=0))
    await Group.objects.acreate(name="callers'")

    def act():
        Group.objects.create(name="mirror's")
        return connection.alias, Group.objects.count()

    sharing.acts["service"] = act
    mirror = {"control": 0, "methods": ["GET", "POST"]}
    tables = {"mirror": {"lag": 10, "database": {"default": "scratch", "other": "scratch"}}, "services": SERVICES}
    async with running(gateway(routes=[POST | {"mirror": mirror}], **tables)) as app:
        for number, method in enumerate(("POST", "GET"), 1):
            answer = await ask(app, "/s/sync/", method)
            assert answer["x-served-by"] == "legacy"
            assert await until(lambda number=number: app.counters.take().mirrors("s").compared == number)
    posted, got = sharing.said["service"], [group.summary for group in app.difference_log.drain().groups]
    assert posted == [("scratch", 1)]  # the mirrored GET may only read
    assert "the service writes to auth_group, legacy doesn't" in " ".join(got)
    assert await Group.objects.acount() == 1
    assert on_a_thread(lambda: run("scratch", "SELECT COUNT(*) FROM auth_group"))[0][0] == 0
