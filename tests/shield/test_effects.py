"""What a mirror tried to do beside its answer, and didn't, is compared with what was done for its caller."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.core.mail import EmailMessage, send_mail
from django.db import transaction

from tests.project import sharing

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]
storage = InMemoryStorage()
done = []


def send():
    send_mail("secret subject", "text", "from@example.com", ["to@example.com"])


def send_to_two():
    EmailMessage("secret subject", "text", "from@example.com", ["a@example.com"], cc=["b@example.com"]).send()


def save():
    storage.save("secret name.PNG", ContentFile(b"text"))


def delete():
    storage.delete("secret.txt")


def after_commit():
    done.append(1)
    send()  # is the callback's affair: who names that has said it all


def commit():
    with transaction.atomic():
        transaction.on_commit(after_commit)


def commit_at_once():
    transaction.on_commit(after_commit)


def take_back():
    with transaction.atomic():
        transaction.on_commit(after_commit)
        transaction.set_rollback(True)


CALLBACK = "after the commit, tests.shield.test_effects.after_commit"
ACTS = [
    (send, "a mail to 1"),
    (send_to_two, "a mail to 2"),
    (save, "a file is saved, *.png"),
    (delete, "a file is deleted, *.txt"),
    (commit, CALLBACK),
    (commit_at_once, CALLBACK),
]


def found(mirrored):
    groups = mirrored.gateways[-1].difference_log.drain().groups
    return [(group.summary, group.severity) for group in groups if group.kind == "effect"]


@pytest.mark.parametrize(
    ("mirror", "path"), [("service", "/s/sync/"), ("legacy", "/s/sync/"), ("legacy", "/s/threads/")]
)
@pytest.mark.parametrize(("act", "effect"), ACTS)
async def test_what_only_the_mirror_tries_is_breaking_and_not_done(mirrored, act, effect, mirror, path):
    done.clear()
    await mirrored(act, side=mirror, path=path)
    more = "the service" if mirror == "service" else "legacy"
    assert found(mirrored) == [(f"{effect}: only by {more}, or more often", "breaking")]
    assert (mail.outbox, done) == ([], [])


@pytest.mark.parametrize("caller", ["legacy", "service"])
@pytest.mark.parametrize(("act", "effect"), ACTS)
async def test_what_only_the_callers_side_does_is_breaking(mirrored, act, effect, caller):
    sharing.acts[caller] = act
    mirror = "service" if caller == "legacy" else "legacy"
    await mirrored(lambda: None, side=mirror)
    more = "legacy" if caller == "legacy" else "the service"
    assert found(mirrored) == [(f"{effect}: only by {more}, or more often", "breaking")]
    assert "secret" not in str(found(mirrored))


@pytest.mark.parametrize("mirror", ["service", "legacy"])
@pytest.mark.parametrize(("act", "effect"), [*ACTS, (take_back, "")])
async def test_where_both_do_the_same_nothing_differs(mirrored, mirrors, act, effect, mirror):
    caller = "legacy" if mirror == "service" else "service"
    sharing.acts[caller] = act
    await mirrored(act, side=mirror)
    assert found(mirrored) == []
    assert mirrors().compared == 1
