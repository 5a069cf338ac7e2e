"""A caller's side and its mirror do the same: of both the same is said, and only what the caller does is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer
from django.contrib.sessions.backends.cache import SessionStore
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from gateway.context.intentions import Intentions
from gateway.context.mirror_scope import MirrorScope, NotShielded, mirror_scope
from gateway.context.recording import Recorder, recorded_by
from gateway.parity.intentions import GONE
from gateway.shield import shield


class OwnBackend(BaseEmailBackend):
    """A project's own."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Any] = []

    def open(self) -> bool:
        self.done.append("opened")
        return True

    def close(self) -> None:
        self.done.append("closed")

    def send_messages(self, email_messages: Any) -> int:
        sent = [message.subject for message in email_messages or ()]
        self.done += sent
        return len(sent)


def mail(number: int) -> EmailMessage:
    return EmailMessage("a secret", "text", "from@example.com", ["to@example.com"] * number)


def effects_of(act: Callable[[], Any], scope: MirrorScope | None = None) -> list[str]:
    """What is recorded of `act`, of a caller or of the mirror of `scope`."""
    recorder = Recorder()
    with recorded_by(recorder):
        if scope is None:
            act()
        else:
            with mirror_scope(scope):
                act()
    return recorder.effects


@pytest.fixture(autouse=True)
def shielded():
    shield()


MAILS: dict[str, tuple[Callable[[Any], Any], list[str], list[str]]] = {
    "a list": (lambda one: one.send_messages([mail(1), mail(2)]), ["a mail to 1", "a mail to 2"], ["a secret"] * 2),
    "by name": (lambda one: one.send_messages(email_messages=(mail(1),)), ["a mail to 1"], ["a secret"]),
    "a generator": (lambda one: one.send_messages(map(mail, [1, 2])), [], ["a secret"] * 2),  # it can be read only once
    "none": (lambda one: one.send_messages(None), [], []),
    "a connection": (lambda one: (one.open(), one.close()), [], ["opened", "closed"]),
}


@pytest.mark.parametrize("how", MAILS)
def test_mail(how):
    act, effects, done = MAILS[how]
    callers, mirrors = OwnBackend(), OwnBackend()
    assert effects_of(lambda: act(callers)) == effects
    assert effects_of(lambda: act(mirrors), MirrorScope()) == effects
    assert (callers.done, mirrors.done) == (done, [])


# -- files --------------------------------------------------------------------------------------

FILES: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "saved": (lambda one: one.save("new.TXT", ContentFile(b"text")), ["a file is saved, *.txt"]),
    "saved by its own name": (lambda one: one.save(None, ContentFile(b"", name="a.pdf")), ["a file is saved, *.pdf"]),
    "saved without a suffix": (lambda one: one.save("new", ContentFile(b"")), ["a file is saved, *"]),
    "deleted": (lambda one: one.delete("there.txt"), ["a file is deleted, *.txt"]),
    "read": (lambda one: one.open("there.txt").close(), []),
}


@pytest.fixture
def storage(tmp_path):
    (tmp_path / "there.txt").write_text("a caller's")
    return FileSystemStorage(tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("how", FILES)
def test_files(how, storage, tmp_path):
    act, effects = FILES[how]
    assert effects_of(lambda: act(storage), MirrorScope()) == effects
    assert names(tmp_path) == ["there.txt"]
    assert effects_of(lambda: act(storage)) == effects


def test_a_file_that_a_mirror_has_saved_is_there_for_it_alone(storage, tmp_path):
    with mirror_scope(MirrorScope()) as scope:
        assert storage.save("new.txt", ContentFile("text")) == "new.txt"
        assert storage.save("new.txt", ContentFile("other")) != "new.txt"
        assert (storage.open("new.txt").read(), storage.size("new.txt")) == (b"text", 4)
        assert storage.open("new.txt", "r").read() == "text"
        with pytest.raises(NotShielded, match=r"FileSystemStorage.path\('new.txt'\)"):
            storage.path("new.txt")
    assert scope.refusal is not None
    assert names(tmp_path) == ["there.txt"]


def test_a_file_that_a_mirror_has_deleted_is_gone_for_it_alone(storage, tmp_path):
    with mirror_scope(MirrorScope()) as scope:
        with storage.open("there.txt") as file:
            assert file.read() == b"a caller's"
        storage.delete("there.txt")
        assert not storage.exists("there.txt")
        with pytest.raises(FileNotFoundError):
            storage.open("there.txt")
        with pytest.raises(FileNotFoundError):
            storage.size("there.txt")
        assert storage.path("there.txt") == str(tmp_path / "there.txt")
    assert scope.refusal is None
    assert names(tmp_path) == ["there.txt"]


def test_where_values_are_noted_a_mirrors_files_are_too(storage):
    scope = MirrorScope()
    scope.intentions = Intentions()
    effects = effects_of(lambda: (storage.save("new.txt", ContentFile(b"text")), storage.delete("there.txt")), scope)
    noted = {one.place: one.value for one in scope.intentions.found()}
    assert noted.keys() == {"new.txt", "there.txt"}
    assert noted["there.txt"] == GONE
    assert effects == []


# -- channels -----------------------------------------------------------------------------------

MESSAGES: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "to a channel": (
        lambda one: async_to_sync(one.send)("c", {"type": "news.new"}),
        ["a message to a channel, news.new"],
    ),
    "to a group": (
        lambda one: async_to_sync(one.group_send)("g", message={"type": "new"}),
        ["a message to a group, new"],
    ),
    "whose type is no name": (
        lambda one: async_to_sync(one.send)("c", {"type": "a secret!"}),
        ["a message to a channel, any type"],
    ),
    "membership": (lambda one: async_to_sync(one.group_add)("g", "c"), []),
}


@pytest.mark.parametrize("how", MESSAGES)
def test_channels(how):
    act, effects = MESSAGES[how]
    shield()
    layer = InMemoryChannelLayer()
    assert effects_of(lambda: act(layer), MirrorScope()) == effects
    assert (layer.channels, layer.groups) == ({}, {})
    assert effects_of(lambda: act(layer)) == effects


# -- sessions -----------------------------------------------------------------------------------


@pytest.fixture
def stored(settings):
    """The key of a caller's session."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "alike"}}
    session = SessionStore()
    session.update({"kept": 1, "changed": 1, "deleted": 1})
    session.save()
    yield session.session_key
    cache.clear()


def change(session: SessionStore) -> None:
    session["changed"] = 2
    del session["deleted"]
    session["new"] = 3
    session.save()


async def change_later(session: SessionStore) -> None:
    await session.aset("changed", 2)
    await session.apop("deleted")
    await session.aset("new", 3)
    await session.asave()


CHANGES = {"changed": 2, "deleted": GONE, "new": 3}
SESSIONS: dict[str, tuple[Callable[[SessionStore], Any], dict[str, Any]]] = {
    "read": (lambda one: one["kept"], {}),
    "changed": (change, CHANGES),
    "renewed": (lambda one: one.cycle_key(), {"(a new key)": True}),
    "ended": (lambda one: one.flush(), {"(ended)": True}),
    "read asynchronously": (lambda one: async_to_sync(one.aget)("kept"), {}),
    "changed asynchronously": (async_to_sync(change_later), CHANGES),
    "renewed asynchronously": (lambda one: async_to_sync(one.acycle_key)(), {"(a new key)": True}),
    "ended asynchronously": (lambda one: async_to_sync(one.aflush)(), {"(ended)": True}),
}


@pytest.mark.parametrize("how", SESSIONS)
def test_what_a_mirror_would_have_stored_in_a_session_is_noted_and_not_stored(how, stored):
    act, noted = SESSIONS[how]
    scope = MirrorScope()
    scope.intentions = Intentions()
    with mirror_scope(scope):
        act(SessionStore(stored))
    assert {one.place: one.value for one in scope.intentions.found()} == noted
    assert dict(SessionStore(stored).items()) == {"kept": 1, "changed": 1, "deleted": 1}
