"""Every line of the table, in its order."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from django.http import HttpRequest

from tests.compatibility.row import Reply, Row

__all__ = ["CALLER", "ROWS"]

CALLER = "ada"  # who is logged in
SESSION: dict[str, str] = {}  # "key": that of the caller's session, once there is one
TOKEN = "a" * 32
GUID = "0123456789abcdef0123456789abcdef"
calls: Counter[str] = Counter()  # of `counted`, by who asked


# -- what the view does -------------------------------------------------------------------------


def username(request: HttpRequest) -> str:
    """Who Django says that the caller is."""
    return str(request.user.get_username())


def language(_request: HttpRequest) -> str:
    """What lazy texts are translated into."""
    from django.utils.translation import get_language

    return get_language() or ""


def write_session(request: HttpRequest) -> None:
    """What is there afterwards."""
    request.session["seen"] = "yes"


def leave_message(request: HttpRequest) -> None:
    """For the next page."""
    from django.contrib import messages

    messages.success(request, "hello")


def long_text(_request: HttpRequest) -> str:
    """What is worth compressing."""
    return "long " * 200


def counted(request: HttpRequest) -> str:
    """Always the same, and counted."""
    calls["mirror" if getattr(request, "scope", {}).get("gateway.mirror") else "caller"] += 1
    return "the same"


def query(_request: HttpRequest) -> int:
    """One query."""
    from tests.compatibility.site.models import Note

    return Note.objects.count()


def write(_request: HttpRequest) -> str:
    """One row, in a transaction."""
    from django.db import connection, transaction

    from tests.compatibility.site.models import Note

    with transaction.atomic():
        Note.objects.create(text="written")
    return str(connection.vendor)


def write_recorded(_request: HttpRequest) -> None:
    """One row whose history is kept."""
    from tests.compatibility.site.models import Recorded

    Recorded.objects.create(text="written")


def write_tracked(_request: HttpRequest) -> None:
    """One row that a trigger makes an event of."""
    from tests.compatibility.site.models import Tracked

    Tracked.objects.create(text="written")


def crum_user(_request: HttpRequest) -> str | None:
    """Who crum says that the caller is."""
    from crum import get_current_user

    user = get_current_user()
    return None if user is None else str(user.get_username())


def flag(request: HttpRequest) -> bool:
    """Whether a flag is on for the caller."""
    from waffle import flag_is_active

    return bool(flag_is_active(request, "new"))


def wrong_password(request: HttpRequest) -> bool:
    """Whether somebody gets in with a wrong password."""
    from django.contrib.auth import authenticate

    return authenticate(request, username=CALLER, password="wrong") is not None


def allauth_user(_request: HttpRequest) -> str | None:
    """Who asks, as allauth's code finds the request."""
    from allauth.core import context

    return username(context.request) if context.request else None


def hijacked(request: HttpRequest) -> bool:
    """Whether staff acts as this user."""
    return bool(getattr(request.user, "is_hijacked", None))


def guid_of_log(_request: HttpRequest) -> list[str]:
    """The identifier that a line of the log gets, and the one that code reads."""
    from django_guid import get_guid
    from django_guid.log_filters import CorrelationId

    record = logging.makeLogRecord({"msg": "hello"})
    CorrelationId().filter(record)
    return [str(record.correlation_id), str(get_guid())]  # type: ignore[attr-defined]


def log_with_structlog(_request: HttpRequest) -> None:
    """One event."""
    import structlog

    structlog.get_logger("work").info("worked")


def htmx(request: HttpRequest) -> bool:
    """Whether htmx asks."""
    return bool(request.htmx)  # type: ignore[attr-defined]


def count_twice(request: HttpRequest) -> None:
    """Raises Ratelimited, since once a minute is allowed."""
    from django_ratelimit.core import is_ratelimited
    from django_ratelimit.exceptions import Ratelimited

    for _ in range(2):
        if is_ratelimited(request, group="work", key="user", rate="1/m", increment=True):
            raise Ratelimited


def from_redis(request: HttpRequest) -> list[str]:
    """Who the session in Redis says the caller is, and what is cached there."""
    from django.core.cache import caches

    return [username(request), caches["redis"].get_or_set("compatibility", "kept")]


def send_to_sentry(_request: HttpRequest) -> None:
    """One event."""
    import sentry_sdk

    sentry_sdk.capture_message("worked")


# -- what shows it ------------------------------------------------------------------------------


def status(reply: Reply) -> int:
    """The status alone."""
    return reply.status


def work(reply: Reply) -> Any:
    """What the work returned."""
    return reply.work


def header(*names: str) -> Any:
    """What says which of these headers an answer has, with their values."""

    def shows(reply: Reply) -> dict[str, str]:
        return {name: reply.headers[name] for name in names if name in reply.headers}

    return shows


def cookie(name: str) -> Any:
    """What says whether the answer sets this cookie, and what the work returned."""
    return lambda reply: [reply.work, f"{name}=" in reply.headers.get("set-cookie", "")]


def session_stored(_reply: Reply) -> Any:
    """What is in the session afterwards."""
    from django.contrib.sessions.backends.db import SessionStore

    return SessionStore(SESSION["key"]).get("seen")


def forget_session() -> None:
    from django.contrib.sessions.backends.db import SessionStore

    store = SessionStore(SESSION["key"])
    store.pop("seen", None)
    store.save()


def slash_added(reply: Reply) -> list[Any]:
    return [reply.status, reply.headers.get("location", "")[-1:]]


def sent_to_login(reply: Reply) -> list[Any]:
    return [reply.status, reply.headers.get("location", "").partition("?")[0]]


def compressed_and_language(reply: Reply) -> list[Any]:
    return [reply.work, reply.headers.get("content-language")]


def with_and_without_token(without: Reply, with_token: Reply) -> list[int]:
    return [without.status, with_token.status]


def not_modified(first: Reply, second: Reply) -> list[Any]:
    return ["etag" in first.headers, second.status]


def cached(first: Reply, second: Reply) -> dict[str, Any]:
    return {
        "the same": first.content == second.content,
        "asked": calls["caller"],
        "mirrors asked": bool(calls["mirror"]),
    }


def forget_cached() -> None:
    from django.core.cache import caches

    calls.clear()
    caches["default"].clear()


def forget_notes() -> None:
    from tests.compatibility.site.models import Note

    Note.objects.all().delete()


def notes_written(reply: Reply) -> list[Any]:
    from tests.compatibility.site.models import Note

    return [reply.work, Note.objects.count()]


def forget_silk() -> None:
    from silk.models import Request

    Request.objects.all().delete()


def in_silk(_reply: Reply) -> list[int]:
    """How many requests silk has, and how many of the work's queries."""
    from silk.models import Request, SQLQuery

    return [Request.objects.count(), SQLQuery.objects.filter(query__contains="site_note").count()]


def forget_toolbar() -> None:
    from debug_toolbar.store import get_store

    get_store().clear()


def in_toolbar(_reply: Reply) -> list[int]:
    from debug_toolbar.store import get_store

    store = get_store()
    known = [*store.request_ids()]
    queries = [query for one in known for query in store.panel(one, "SQLPanel").get("queries", ())]
    return [len(known), sum("site_note" in query["sql"] for query in queries)]


def forget_history() -> None:
    from tests.compatibility.site.models import Recorded

    Recorded.objects.all().delete()
    Recorded.history.all().delete()


def in_history(_reply: Reply) -> list[Any]:
    from tests.compatibility.site.models import Recorded

    return [*Recorded.history.values_list("history_user__username", flat=True)]


def forget_events() -> None:
    from tests.compatibility.site.models import Tracked

    Tracked.objects.all().delete()
    Tracked.pgh_event_model.objects.all().delete()


def in_events(_reply: Reply) -> list[Any]:
    from django.contrib.auth.models import User

    from tests.compatibility.site.models import Tracked

    contexts = [event.pgh_context for event in Tracked.pgh_event_model.objects.all()]
    names = dict(User.objects.values_list("pk", "username"))
    return [names.get(context.metadata.get("user")) if context else None for context in contexts]


def forget_revisions() -> None:
    from reversion.models import Revision

    Revision.objects.all().delete()


def in_revisions(_reply: Reply) -> list[Any]:
    from reversion.models import Revision

    return [[str(one.user), one.version_set.count()] for one in Revision.objects.all()]


def make_flag() -> None:
    from waffle import get_waffle_flag_model

    get_waffle_flag_model().objects.update_or_create(name="new", defaults={"percent": 99.9})


def forget_attempts() -> None:
    from axes.models import AccessAttempt

    AccessAttempt.objects.all().delete()


def in_attempts(_reply: Reply) -> list[Any]:
    from axes.models import AccessAttempt

    return [[*found] for found in AccessAttempt.objects.values_list("username", "ip_address", "failures_since_start")]


def guids(reply: Reply) -> list[Any]:
    return [reply.work, reply.headers.get("correlation-id")]


def forget_log() -> None:
    from tests.compatibility.groups import LOG

    LOG.entries.clear()


def in_log(_reply: Reply) -> list[Any]:
    """The events, and whether all of them name the request and the work's the caller."""
    from tests.compatibility.groups import LOG

    names = sorted(entry["event"] for entry in LOG.entries)  # a stream is made while it is sent
    requests = {entry.get("request_id") for entry in LOG.entries}
    users = {bool(entry.get("user_id")) for entry in LOG.entries if entry["event"] == "worked"}
    return [names, len(requests), *users]


METRICS = ("django_http_requests_total_by_method_total", "django_http_responses_total_by_status_total")
measured: dict[str, float] = {}


def _metrics() -> dict[str, float]:
    from prometheus_client import REGISTRY

    found: Counter[str] = Counter()
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.name in METRICS:
                found[sample.name] += int(sample.value)
    return {name: found[name] for name in METRICS}


def remember_metrics() -> None:
    measured.update(_metrics())


def counted_once(_reply: Reply) -> list[float]:
    return [value - measured[name] for name, value in _metrics().items()]


def forget_limits() -> None:
    from django.core.cache import cache

    cache.clear()


def limited(reply: Reply) -> list[Any]:
    """The status, and how often a request was counted."""
    from django.contrib.auth.models import User
    from django.test import RequestFactory
    from django_ratelimit.core import get_usage

    request = RequestFactory().get("/")
    request.user = User.objects.get(username=CALLER)
    usage = get_usage(request, group="work", key="user", rate="1/m")
    return [reply.status, usage["count"] if usage else 0]


def forget_redis() -> None:
    from django.core.cache import caches

    caches["redis"].delete("compatibility")


def forget_sentry() -> None:
    from tests.compatibility.groups import SENT

    SENT.clear()


def in_sentry(_reply: Reply) -> dict[str, Any]:
    from tests.compatibility.groups import SENT

    events = [item for item in SENT if item.get("type") != "transaction"]
    return {
        "transactions": len(SENT) - len(events),
        "events": [event.get("user", {}).get("username") for event in events],
    }


def forget_spans() -> None:
    from tests.compatibility.groups import SPANS

    SPANS.clear()


def in_spans(_reply: Reply) -> dict[str, int]:
    """How many requests there are, and how many spans are the root of one."""
    from opentelemetry.trace import SpanKind

    from tests.compatibility.groups import SPANS

    spans = SPANS.get_finished_spans()
    return {
        "requests": sum(span.kind is SpanKind.SERVER for span in spans),
        "roots": sum(span.parent is None for span in spans),
    }


# Why a cell is no tick, in a few words.
COUNTS = {"mirror": "the mirror is counted too"}
UNTIL_ACCEPTED = {"socket": "until it is accepted"}
RECORDS = UNTIL_ACCEPTED | {"mirror": "the mirror is recorded too"}

ROWS: dict[str, Row] = {
    one.name: one
    for one in (
        # Django's own
        Row(
            "security",
            "SecurityMiddleware",
            "its headers, behind a proxy's TLS",
            "django",
            header("strict-transport-security", "x-content-type-options"),
            {"strict-transport-security": "max-age=60", "x-content-type-options": "nosniff"},
            headers={"X-Forwarded-Proto": "https"},
        ),
        Row(
            "sessions",
            "SessionMiddleware",
            "what is written is stored",
            "django",
            session_stored,
            "yes",
            work=write_session,
            in_socket="yes",
            forget=forget_session,
            limits=UNTIL_ACCEPTED,
        ),
        Row(
            "locale",
            "LocaleMiddleware",
            "the caller's language, and Content-Language",
            "django",
            compressed_and_language,
            ["de", "de"],
            work=language,
            in_socket=["de", None],
            headers={"Accept-Language": "de"},
        ),
        Row(
            "common",
            "CommonMiddleware, `APPEND_SLASH`",
            "a redirect to the path with a slash",
            "django",
            slash_added,
            [301, "/"],
            slash=False,
            mirror=False,
        ),
        Row(
            "csrf",
            "CsrfViewMiddleware",
            "403 without the token, 200 with it",
            "django",
            with_and_without_token,
            [403, 200],
            method="POST",
            mirror=False,
            headers={"Cookie": f"csrftoken={TOKEN}"},
            again=lambda _first: {"X-CSRFToken": TOKEN},
        ),
        Row(
            "auth",
            "AuthenticationMiddleware",
            "who the caller is",
            "django",
            work,
            CALLER,
            work=username,
            in_socket=CALLER,
        ),
        Row(
            "messages",
            "MessageMiddleware",
            "a message for the next page",
            "django",
            cookie("messages"),
            [None, True],
            work=leave_message,
        ),
        Row(
            "frame",
            "XFrameOptionsMiddleware",
            "X-Frame-Options",
            "django",
            header("x-frame-options"),
            {"x-frame-options": "DENY"},
        ),
        Row(
            "conditional",
            "ConditionalGetMiddleware",
            "an ETag, and 304 when it is sent back",
            "django",
            not_modified,
            [True, 304],
            again=lambda first: {"If-None-Match": first.headers.get("etag", "")},
        ),
        Row(
            "gzip",
            "GZipMiddleware",
            "compressed",
            "django",
            header("content-encoding"),
            {"content-encoding": "gzip"},
            work=long_text,
            headers={"Accept-Encoding": "gzip"},
        ),
        Row(
            "login",
            "LoginRequiredMiddleware",
            "who isn't logged in is sent to LOGIN_URL",
            "login",
            sent_to_login,
            [302, "/login/"],
            user=False,
            in_socket=[403, ""],
        ),
        Row(
            "remote-user",
            "RemoteUserMiddleware",
            "whom the proxy names, in a header of the project's own",
            "login",
            work,
            "grace",
            work=username,
            in_socket="grace",
            user=False,
            headers={"X-Proxy-User": "grace"},
        ),
        Row(
            "cache",
            "UpdateCacheMiddleware, FetchFromCacheMiddleware",
            "the second answer comes from the cache, for callers alone",
            "cache",
            cached,
            {"the same": True, "asked": 1, "mirrors asked": False},
            work=counted,
            user=False,
            again=lambda _first: {},
            in_mirror={"the same": True, "asked": 1, "mirrors asked": True},
            forget=forget_cached,
        ),
        # others'
        Row(
            "whitenoise",
            "WhiteNoise",
            "its files, and what isn't one",
            "others",
            status,
            200,
            path="/static/site/file.txt",
        ),
        Row(
            "servestatic",
            "servestatic, asynchronous only",
            "its files, and what isn't one",
            "asynchronous",
            status,
            200,
            path="/static/site/file.txt",
        ),
        Row(
            "cors",
            "django-cors-headers",
            "Access-Control-Allow-Origin",
            "others",
            header("access-control-allow-origin"),
            {"access-control-allow-origin": "https://app.example"},
            headers={"Origin": "https://app.example"},
        ),
        Row(
            "csp",
            "django-csp",
            "Content-Security-Policy",
            "others",
            header("content-security-policy"),
            {"content-security-policy": "default-src 'self'"},
        ),
        Row(
            "allauth",
            "django-allauth",
            "the request, in allauth's own code",
            "others",
            work,
            CALLER,
            work=allauth_user,
            in_socket=CALLER,
        ),
        Row(
            "axes",
            "django-axes",
            "one failed login, with its address",
            "others",
            in_attempts,
            [[CALLER, "127.0.0.1", 1]],
            work=wrong_password,
            in_socket=[[CALLER, "127.0.0.1", 1]],
            forget=forget_attempts,
        ),
        Row(
            "hijack",
            "django-hijack",
            "that staff acts as the user",
            "others",
            work,
            True,
            work=hijacked,
            in_socket=True,
        ),
        Row(
            "waffle",
            "django-waffle",
            "a flag, and its cookie",
            "others",
            cookie("dwf_new"),
            [True, True],
            work=flag,
            in_socket=[True, True],
            forget=make_flag,
            limits={"socket": "no cookie"},
        ),
        Row(
            "htmx",
            "django-htmx",
            "that htmx asks",
            "others",
            work,
            True,
            work=htmx,
            in_socket=True,
            headers={"HX-Request": "true"},
        ),
        Row(
            "guid",
            "django-guid",
            "the caller's identifier in log, code and answer",
            "others",
            guids,
            [[GUID, GUID], GUID],
            work=guid_of_log,
            in_socket=[[GUID, GUID], GUID],
            headers={"Correlation-ID": GUID},
        ),
        Row(
            "structlog",
            "django-structlog",
            "the events, with request and user",
            "others",
            in_log,
            [["request_finished", "request_started", "worked"], 1, True],
            work=log_with_structlog,
            in_socket=[["request_finished", "request_started", "worked"], 1, True],
            forget=forget_log,
            limits=COUNTS,
        ),
        Row(
            "prometheus",
            "django-prometheus",
            "one request, one answer",
            "others",
            counted_once,
            [1, 1],
            in_socket=[1, 1],
            forget=remember_metrics,
            limits=COUNTS,
        ),
        Row(
            "ratelimit",
            "django-ratelimit",
            "429 by its middleware, and the count",
            "others",
            limited,
            [429, 2],
            work=count_twice,
            stream=False,
            mirror=False,
            forget=forget_limits,
        ),
        Row("maintenance", "django-maintenance-mode", "503; a socket is refused", "others", status, 503, in_socket=403),
        Row(
            "crum",
            "django-crum",
            "who the caller is, in code without request",
            "history",
            work,
            CALLER,
            work=crum_user,
            in_socket=CALLER,
            limits=UNTIL_ACCEPTED,
        ),
        Row(
            "silk",
            "django-silk",
            "one request, with its query",
            "history",
            in_silk,
            [1, 1],
            work=query,
            in_socket=[1, 1],
            forget=forget_silk,
            limits=UNTIL_ACCEPTED,
        ),
        Row(
            "toolbar",
            "django-debug-toolbar",
            "one request, with its query",
            "toolbar",
            in_toolbar,
            [1, 1],
            work=query,
            in_socket=[1, 1],
            forget=forget_toolbar,
            limits=RECORDS,
        ),
        Row(
            "simple-history",
            "django-simple-history",
            "who has changed a row",
            "history",
            in_history,
            [CALLER],
            work=write_recorded,
            in_socket=[CALLER],
            forget=forget_history,
        ),
        Row(
            "reversion",
            "django-reversion",
            "one revision, by the caller",
            "history",
            in_revisions,
            [[CALLER, 1]],
            work=write,
            method="POST",
            mirror=False,
            forget=forget_revisions,
        ),
        Row(
            "pghistory",
            "django-pghistory",
            "who has changed a row",
            "postgresql",
            in_events,
            [CALLER],
            work=write_tracked,
            in_socket=[CALLER],
            forget=forget_events,
            limits=UNTIL_ACCEPTED,
        ),
        Row(
            "redis",
            "django-redis",
            "the session, and what is cached",
            "cache",
            work,
            [CALLER, "kept"],
            work=from_redis,
            in_socket=[CALLER, "kept"],
            forget=forget_redis,
        ),
        Row(
            "channels",
            "Channels, `[legacy] asgi`",
            "the project's own ASGI application; its consumer is the socket",
            "channels",
            work,
            CALLER,
            work=username,
            in_socket=CALLER,
            own_socket="/consumer/",
        ),
        Row(
            "sentry",
            "sentry-sdk",
            "one transaction, one event, by the caller",
            "monitoring",
            in_sentry,
            {"transactions": 1, "events": [CALLER]},
            work=send_to_sentry,
            forget=forget_sentry,
            limits={"mirror": "its events are sent"},
        ),
        Row(
            "opentelemetry",
            "OpenTelemetry, Django and FastAPI",
            "one trace, one server span",
            "monitoring",
            in_spans,
            {"requests": 1, "roots": 1},
            forget=forget_spans,
        ),
        Row(
            "postgresql",
            "PostgreSQL",
            "one row in a transaction",
            "postgresql",
            notes_written,
            ["postgresql", 1],
            work=write,
            in_socket=["postgresql", 1],
            forget=forget_notes,
        ),
        Row(
            "mariadb",
            "MariaDB",
            "one row in a transaction",
            "mariadb",
            notes_written,
            ["mysql", 1],
            work=write,
            in_socket=["mysql", 1],
            forget=forget_notes,
        ),
    )
}
