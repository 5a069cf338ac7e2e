"""A mirror sends no mail, saves no file and tells nobody anything."""

from __future__ import annotations

import logging
import socketserver
import threading

import django
import pytest
from asgiref.sync import async_to_sync
from channels.layers import channel_layers
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, default_storage
from django.core.mail import EmailMessage, send_mail, send_mass_mail

from gateway.shield import unshielded
from tests.support.asgi import ask, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]
MAIL = "MAILERS" if django.VERSION >= (6, 1) else "EMAIL_BACKEND"
MESSAGE = ("subject", "text", "from@example.com", ["to@example.com"])


# -- mail ---------------------------------------------------------------------------------------


def mailer():
    """A connection to whatever sends mail."""
    if django.VERSION >= (6, 1):
        return mail.mailers.default
    return mail.get_connection()


def set_mail(settings, backend, **options):
    """Let mail be sent by `backend`: what Django 6.1 has MAILERS for."""
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        return
    settings.EMAIL_BACKEND = backend
    for name, value in options.items():
        setattr(settings, f"EMAIL_{name.upper()}", value)


MAILS = {
    "send_mail": lambda: send_mail(*MESSAGE),
    "many": lambda: send_mass_mail([MESSAGE, MESSAGE]),
    "a message": lambda: EmailMessage(*MESSAGE).send(),
    "a connection": lambda: mailer().send_messages([EmailMessage(*MESSAGE)]),
}


@pytest.mark.parametrize("how", MAILS)
@pytest.mark.parametrize("side", ["service", "legacy"])
async def test_a_mirror_sends_no_mail_and_is_told_that_it_has(mirrored, how, side):
    assert await mirrored(MAILS[how], side=side) == (2 if how == "many" else 1)
    assert mail.outbox == []
    MAILS[how]()
    assert mail.outbox


@pytest.mark.long
async def test_nor_does_it_connect_to_a_server(mirrored, settings):
    asked: list[object] = []

    class Note(socketserver.BaseRequestHandler):
        def handle(self):
            asked.append(self.client_address)

    with socketserver.TCPServer(("127.0.0.1", 0), Note) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address
        set_mail(settings, "django.core.mail.backends.smtp.EmailBackend", host=host, port=port)
        assert await mirrored(lambda: send_mail(*MESSAGE)) == 1
        server.shutdown()
    assert asked == []


async def test_a_message_that_could_not_be_sent_is_an_error_for_a_mirror_too(mirrored):
    def act():
        with pytest.raises(ValueError, match=r"newline|linefeed"):
            send_mail("two\nlines", *MESSAGE[1:])
        return "raised"

    assert await mirrored(act) == "raised"


# -- files --------------------------------------------------------------------------------------


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    (tmp_path / "known.txt").write_text("of a caller")
    return tmp_path


def save_and_delete():
    with default_storage.open("known.txt") as file:
        read = file.read()
    name = default_storage.save("known.txt", ContentFile(b"of a mirror"))
    own = default_storage.open(name).read(), default_storage.exists(name), default_storage.size(name)
    default_storage.delete("known.txt")
    return read, name != "known.txt", own, default_storage.exists("known.txt")


@pytest.mark.parametrize("side", ["service", "legacy"])
async def test_a_mirror_reads_files_and_changes_none(mirrored, media, side):
    found = await mirrored(save_and_delete, side=side)
    assert found == (b"of a caller", True, (b"of a mirror", True, 11), False)
    assert [(file.name, file.read_text()) for file in media.iterdir()] == [("known.txt", "of a caller")]


async def test_so_it_is_for_a_storage_of_ones_own(mirrored, tmp_path):
    class Named(FileSystemStorage):
        def _save(self, name, content):
            return super()._save(f"named-{name}", content)

    kept = {"files": Named(str(tmp_path)), "memory": InMemoryStorage()}
    for storage in kept.values():
        await mirrored(lambda storage=storage: storage.save("new.txt", ContentFile(b"x")))
        assert not storage.exists("new.txt")
    assert not [*tmp_path.iterdir()]


async def test_a_file_that_is_opened_to_be_written_is_refused(mirrored, mirrors, media, caplog):
    with caplog.at_level(logging.WARNING, "gateway.parity"):
        await mirrored(lambda: default_storage.open("known.txt", "w").write("of a mirror"))
    assert mirrors().dropped == {"unshielded": 1}
    assert "FileSystemStorage.open('known.txt', 'w')" in caplog.text
    assert (media / "known.txt").read_text() == "of a caller"


# -- messages to others -------------------------------------------------------------------------


async def test_a_mirror_sends_nothing_to_channels(mirrored, settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    layer = channel_layers["default"]
    await layer.group_add("all", "caller")
    await mirrored(lambda: async_to_sync(layer.group_send)("all", {"type": "news"}))
    await mirrored(lambda: layer.send("caller", {"type": "news"}), path="/s/async/")
    await layer.group_send("all", {"type": "of a caller"})
    assert await layer.receive("caller") == {"type": "of a caller"}


# -- sessions -----------------------------------------------------------------------------------

ENGINES = {
    "db": {},
    "cache": {},
    "cached_db": {},
    "file": {},
    "signed_cookies": {},
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("side", ["service", "legacy"])
async def test_a_mirror_knows_its_callers_session_and_stores_nothing_in_it(mirrored, settings, tmp_path, engine, side):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    store_class = __import__(settings.SESSION_ENGINE, fromlist=["SessionStore"]).SessionStore

    session = store_class()
    session["count"] = 1
    await session.asave()
    key = session.session_key

    def act():
        again = store_class(key)
        found = again.get("count")
        again["count"] = 2
        again.save()
        again.flush()
        return found

    assert await mirrored(act, side=side) == 1
    assert await store_class(key).aget("count") == 1


async def test_a_mirror_does_not_put_an_old_session_into_the_cache(mirrored, settings):
    """It may have read the database before its caller changed it."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    from django.contrib.sessions.backends.cached_db import SessionStore as Cached
    from django.core.cache import cache

    session = SessionStore()
    session["count"] = 1
    await session.asave()
    assert await mirrored(lambda: Cached(session.session_key).get("count")) == 1
    assert await cache.aget(Cached(session.session_key).cache_key) is None


# -- what is of no known kind -------------------------------------------------------------------


class OwnMail:
    """Quacks like a mail backend."""

    def __init__(self, *_, **__):
        pass

    def send_messages(self, messages):
        return len(messages)


class OwnSession:
    pass


UNKNOWN = {
    MAIL: f"{__name__}.OwnMail" if MAIL == "EMAIL_BACKEND" else {"default": {"BACKEND": f"{__name__}.OwnMail"}},
    "CACHES": {"default": {"BACKEND": f"{__name__}.OwnMail"}},
    "STORAGES": {"default": {"BACKEND": f"{__name__}.OwnMail"}},
    "CHANNEL_LAYERS": {"default": {"BACKEND": f"{__name__}.OwnMail"}},
}


@pytest.mark.parametrize("setting", UNKNOWN)
def test_what_is_of_no_known_kind_is_named(settings, setting):
    assert unshielded() == []
    setattr(settings, setting, UNKNOWN[setting])
    [said] = unshielded()
    assert said.startswith(setting)
    assert "OwnMail" in said


def test_from_django_6_1_on_the_mailers_are_asked_for(settings, monkeypatch):
    monkeypatch.setattr(django, "VERSION", (6, 1, 0, "final", 0))
    known = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": f"{__name__}.OwnMail"}, "other": {"BACKEND": known}}
    [said] = unshielded()
    assert said.startswith("MAILERS['default'] = ")


@pytest.mark.parametrize("name", ["no.such.Layer", "channels.layers.NoSuchLayer"])
def test_what_can_not_be_imported_is_never_used_and_not_named(settings, name):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": name}}
    settings.SESSION_ENGINE = "no.such.engine"
    assert unshielded() == []


async def test_then_nothing_is_mirrored_and_the_start_says_so(gateway, settings, caplog):
    set_mail(settings, f"{__name__}.OwnMail")
    settings.ROOT_URLCONF = "tests.project.sharing"
    services = {"s": {"app": "tests.project.sharing:app"}}
    with caplog.at_level(logging.WARNING, "gateway"):
        built = gateway(services=services, routes=[{"name": "s", "prefix": "/s", "service": "s", "stage": "shadow"}])
    assert "nothing is mirrored" in caplog.text
    assert MAIL in caplog.text
    async with running(built) as app:
        await ask(app, "/s/sync/")
        assert app.counters.take().mirrors("s").dropped == {"unshielded": 1}


def test_a_session_of_a_caller_is_stored_as_ever():
    assert issubclass(SessionStore, SessionBase)
    session = SessionStore()
    session["count"] = 1
    session.save()
    assert SessionStore(session.session_key)["count"] == 1
