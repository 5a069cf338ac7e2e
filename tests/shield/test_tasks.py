"""A mirror starts no task and gets what the library gives who starts one; that it would have is compared."""

from __future__ import annotations

import logging

import dramatiq
import pytest
from asgiref.sync import async_to_sync
from celery import Celery, group
from channels.layers import channel_layers
from django.db import transaction
from django_tasks import task
from dramatiq.brokers.stub import StubBroker

from tests.project import sharing

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]

started: list[int] = []
app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
broker = StubBroker()
DUMMY, IMMEDIATE = (f"django_tasks.backends.{name}.{name.title()}Backend" for name in ("dummy", "immediate"))


@task
def django_add(number: int) -> None:
    started.append(number)


@app.task(name="shop.add")
def celery_add(number: int) -> None:
    started.append(number)


@dramatiq.actor(broker=broker)
def dramatiq_add(number: int) -> None:
    started.append(number)


@pytest.fixture(autouse=True)
def nothing_started(settings):
    settings.TASKS = {"default": {"BACKEND": DUMMY}}
    started.clear()
    broker.flush_all()
    with app.connection_for_write() as connection:
        connection.default_channel.queue_declare(queue="celery")
        connection.default_channel.queue_purge(queue="celery")


def sent():
    """How many tasks wait in the queues of Celery and Dramatiq."""
    with app.connection_for_write() as connection:
        declared = connection.default_channel.queue_declare(queue="celery", passive=True)
    return declared.message_count + sum(queue.qsize() for queue in broker.queues.values())


ACTS = [
    (lambda: django_add.enqueue(1), "tests.shield.test_tasks.django_add"),
    (lambda: async_to_sync(django_add.aenqueue)(1), "tests.shield.test_tasks.django_add"),
    (lambda: celery_add.delay(1), "shop.add"),
    (lambda: celery_add.s(1).apply_async(countdown=5), "shop.add"),
    (lambda: app.send_task("shop.add", [1]), "shop.add"),
    (lambda: group([celery_add.s(1)]).apply_async(), "shop.add"),
    (lambda: dramatiq_add.send(1), "dramatiq_add"),
    (lambda: dramatiq_add.send_with_options(args=(1,), delay=1000), "dramatiq_add"),
]


def found(mirrored):
    groups = mirrored.gateways[-1].difference_log.drain().groups
    return [(group.summary, group.severity) for group in groups if group.kind == "effect"]


@pytest.mark.parametrize("mirror", ["service", "legacy"])
@pytest.mark.parametrize(("act", "name"), ACTS)
async def test_what_only_the_mirror_starts_is_breaking_and_not_started(mirrored, mirrors, act, name, mirror):
    await mirrored(lambda: act() and None, side=mirror)
    more = "the service" if mirror == "service" else "legacy"
    assert found(mirrored) == [(f"task {name}: only by {more}, or more often", "breaking")]
    assert (sent(), started, mirrors().compared) == (0, [], 1)


@pytest.mark.parametrize("mirror", ["service", "legacy"])
@pytest.mark.parametrize(("act", "name"), ACTS)
async def test_where_both_start_the_same_nothing_differs_and_it_is_started_once(mirrored, mirrors, act, name, mirror):
    sharing.acts["legacy" if mirror == "service" else "service"] = act
    await mirrored(act, side=mirror)
    assert (found(mirrored), mirrors().compared) == ([], 1)
    assert sent() == (0 if "django" in name else 1)


@pytest.mark.parametrize(("act", "name"), ACTS)
async def test_what_only_the_caller_starts_is_breaking(mirrored, act, name):
    sharing.acts["legacy"] = act
    await mirrored(lambda: None)
    assert found(mirrored) == [(f"task {name}: only by legacy, or more often", "breaking")]


@pytest.mark.parametrize(("act", "name"), ACTS)
async def test_a_mirror_gets_what_its_caller_gets(mirrored, act, name):
    sharing.acts["legacy"] = act
    await mirrored(act)
    legacy, service = sharing.said["legacy"][-1], sharing.said["service"][-1]
    assert type(service) is type(legacy)
    ids = [getattr(one, "id", None) or one.message_id for one in (legacy, service)]
    assert ids[0] != ids[1]


async def test_what_is_run_here_and_now_is_run_by_the_mirror_too(mirrored, settings):
    settings.TASKS = {"default": {"BACKEND": IMMEDIATE}}
    app.conf.task_always_eager = True
    try:
        sharing.acts["legacy"] = lambda: None
        result = await mirrored(lambda: (django_add.enqueue(1), celery_add.delay(2).get()))
    finally:
        app.conf.task_always_eager = False
    assert started == [1, 2]
    assert result[0].status == "SUCCESSFUL"
    assert [summary.partition(":")[0] for summary, _ in found(mirrored)] == [
        "task shop.add", "task tests.shield.test_tasks.django_add",
    ]  # fmt: skip


async def test_what_is_started_after_the_commit_is_named_for_both(mirrored):
    def act():
        with transaction.atomic():
            transaction.on_commit(celery_add.s(1).delay)
            transaction.on_commit(lambda: dramatiq_add.send(1))

    sharing.acts["legacy"] = act
    await mirrored(act)
    assert (found(mirrored), sent()) == ([], 2)


@pytest.mark.parametrize(
    ("act", "named"),
    [
        (lambda: celery_add.delay(1).get(timeout=1), "AsyncResult.get"),
        (lambda: celery_add.delay(1).state, "AsyncResult.state"),
        (lambda: dramatiq_add.send(1).get_result(), "Message.get_result()"),
        (lambda: django_add.enqueue(1).refresh(), "get_result()"),
    ],
)
async def test_what_a_task_has_done_by_now_nobody_can_make_up(mirrored, mirrors, caplog, act, named):
    with caplog.at_level(logging.WARNING, "gateway.parity"):
        await mirrored(act)
    assert (mirrors().dropped, sent()) == ({"unshielded": 1}, 0)
    assert f"the result of a task ({named}), which it has not started" in caplog.text


async def test_the_result_of_a_callers_task_can_be_looked_at(mirrored, mirrors):
    result = celery_add.AsyncResult("of a caller")
    assert await mirrored(lambda: result.state) == "PENDING"
    assert mirrors().compared == 1


@pytest.mark.parametrize("mirror", ["service", "legacy"])
async def test_messages_to_others_are_compared_by_their_type(mirrored, settings, mirror):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    layer = channel_layers["default"]

    def tell(kind):
        return lambda: async_to_sync(layer.group_send)("all", {"type": kind})

    sharing.acts["legacy" if mirror == "service" else "service"] = tell("news.new")
    await mirrored(tell("news.new"), side=mirror)
    assert found(mirrored) == []
    await mirrored(tell("news.old"), side=mirror)
    sides = ("legacy", "the service") if mirror == "service" else ("the service", "legacy")
    assert [summary for summary, _ in found(mirrored)] == [
        f"a message to a group, news.{kind}: only by {side}, or more often"
        for kind, side in zip(("new", "old"), sides, strict=True)
    ]
