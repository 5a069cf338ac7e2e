"""What a mirror writes is not there afterwards, wherever it wrote it, and is a difference."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from tests.project import sharing

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]

PATHS = ["/s/sync/", "/s/async/", "/s/threads/", "/s/task/"]
WRITE = "the service writes to auth_group, legacy doesn't"


def insert():
    Group.objects.create(name=f"group {Group.objects.count()}")
    return Group.objects.count()


def insert_in_a_transaction():
    with transaction.atomic(durable=True):
        Group.objects.bulk_create([Group(name="a"), Group(name="b")])


async def insert_on_the_loop():
    await Group.objects.acreate(name="a")


def found(mirrored):
    return [(group.summary, group.severity) for group in mirrored.gateways[-1].difference_log.drain().groups]


@pytest.mark.parametrize("service", [{}, {"one_thread": True}])
@pytest.mark.parametrize("act", [insert, insert_in_a_transaction])
@pytest.mark.parametrize("path", [path for path in PATHS if path != "/s/async/"])
async def test_a_mirrored_get_that_inserts_leaves_nothing_and_is_breaking(mirrored, path, act, service):
    await mirrored(act, path=path, service=service)
    assert await Group.objects.acount() == 0
    if path != "/s/task/":  # what comes after the answer is no part of it
        assert (WRITE, "breaking") in found(mirrored)


@pytest.mark.parametrize("middleware", ["django", "none"])
async def test_what_the_event_loop_writes_is_rolled_back_too(mirrored, middleware):
    await mirrored(insert_on_the_loop, path="/s/async/", service={"middleware": middleware})
    assert await Group.objects.acount() == 0


async def test_outside_of_the_middleware_a_mirror_has_no_database_or_leaves_nothing(mirrored):
    await mirrored(insert, service={"middleware": "none"})
    assert await Group.objects.acount() == 0


async def test_where_legacy_writes_too_the_service_may_and_nothing_of_it_stays(mirrored):
    sharing.acts["legacy"] = insert
    await mirrored(insert)
    assert await Group.objects.acount() == 1  # legacy's, for its caller
    assert sharing.said["service"] == [2]  # which it saw, beside its own
    assert all("writes to" not in summary for summary, _ in found(mirrored))


@pytest.mark.parametrize("path", ["/s/sync/", "/s/async/"])
async def test_legacy_as_a_mirror_writes_nothing_either(mirrored, path):
    act = insert if path == "/s/sync/" else insert_on_the_loop
    await mirrored(act, side="legacy", path=path)
    assert await Group.objects.acount() == 0


async def test_a_mirror_that_fails_leaves_nothing(mirrored):
    def fail():
        insert()
        raise ZeroDivisionError

    sharing.acts["legacy"] = insert
    await mirrored(fail)
    assert await Group.objects.acount() == 1


async def test_what_would_run_after_the_commit_does_not(mirrored):
    done = []

    def act():
        with transaction.atomic():
            transaction.on_commit(lambda: done.append(1))

    await mirrored(act)
    assert done == []


@pytest.mark.parametrize("middleware", ["django", "none"])
async def test_a_mirror_that_raises_says_what_and_where(mirrored, middleware):
    def fail():
        raise ZeroDivisionError("secret")

    await mirrored(fail, service={"middleware": middleware})
    [(summary, severity)] = found(mirrored)
    line = fail.__code__.co_firstlineno + 1
    assert severity == "breaking"
    assert summary.endswith(f", ZeroDivisionError at tests/shield/test_writes.py:{line}")
    assert "secret" not in summary
