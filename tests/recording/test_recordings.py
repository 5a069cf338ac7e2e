"""What a process records: which requests, what is new in them, and that callers notice nothing."""

import asyncio
import base64
import json

import pytest
from django.contrib.auth import get_user_model

from gateway.recording.plan import Plan, RecordingLimits, Selection, Target
from gateway.recording.sample import Who
from gateway.recording.session import ASKED
from gateway.workbench.corpus.case import case_of
from tests.support.asgi import ask, open_socket, running
from tests.support.outside import outside

pytestmark = [pytest.mark.anyio]
FOREVER = 4e9
EVERYTHING = Target(template="/{rest:path}")


def plan(*targets, limits=None, until=FOREVER, name="one", **more):
    selection = Selection(targets or (EVERYTHING,), limits or RecordingLimits(), **more)
    return Plan(name, until, b"secret", selection)


async def recorded(app, name="one"):
    """The cases that are new, with how many requests each stands for."""
    session = next(one for one in app.recordings._sessions if one.plan.id == name)
    for _ in range(2000):
        await asyncio.sleep(0.005)
        if session.pending == session.finished:
            break
    batches = {one.recording: one for one in app.recordings.drain()}
    batch = batches.pop(name)
    app.recordings.restore(batches.values())
    found = {case_of(one.document): one.count for one in batch.found.values() if one.document}
    return found, batch


async def test_nothing_is_kept_unless_somebody_records(gateway):
    async with running(gateway()) as app:
        assert not app.recordings.active
        await ask(app, "/json/")
        app.recordings.follow([plan(Target(template="/json/"))])
        await ask(app, "/json/")
        found, batch = await recorded(app)
    assert [case.target for case in found] == ["/json/"]
    assert batch.seen == 1


async def test_requests_that_are_alike_are_one_case(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        for path in ("/echo/?a=1", "/echo/?a=2", "/echo/?b=1", "/nowhere/"):
            await ask(app, path)
        await ask(app, "/echo/?a=1")
        found, batch = await recorded(app)
    assert sorted((case.target, count) for case, count in found.items()) == [
        ("/echo/?a=1", 3), ("/echo/?b=1", 1), ("/nowhere/", 1),
    ]  # fmt: skip
    assert batch.seen == 5


async def test_a_case_has_the_request_and_its_answer(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(Target(method="POST", template="/digest/"))])
        headers = {"Content-Type": "text/plain", "Accept-Language": "el", "Authorization": "Bearer x", "Cookie": "a=b"}
        await ask(app, "/digest/?q=1", "POST", headers=headers, body=b"abc")
        await ask(app, "/digest/")
        ((case, _),) = (await recorded(app))[0].items()
    assert (case.endpoint, case.query, case.body) == ("POST /digest/", "q=1", b"abc")
    assert dict(case.headers) == {"host": "testserver", "content-type": "text/plain", "accept-language": "el"}
    assert (case.answer.status, case.answer.upstream, case.route) == (200, "legacy", None)
    assert case.answer.body
    assert case.sql.count == 0


async def test_a_route_is_recorded_whichever_side_answers(gateway):
    services = {"items": {"app": "tests.project.services:items", "middleware": "none"}}
    routes = [{"name": "items", "prefix": "/api", "service": "items"}]
    async with running(gateway(services=services, routes=routes)) as app:
        app.recordings.follow([plan(Target(route="items"))])
        await ask(app, "/api/items/7/")
        await ask(app, "/json/")
        ((case, _),) = (await recorded(app))[0].items()
    assert (case.route, case.template, case.answer.upstream) == ("items", "/api/items/{number:int}/", "items")


async def test_a_request_that_is_repeated_is_counted_without_another_analysis(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/json/")
        await recorded(app)
        for _ in range(3):
            await ask(app, "/json/")
        _, batch = await recorded(app)
        (session,) = app.recordings._sessions
    assert [one.count for one in batch.found.values()] == [3]
    assert (batch.seen, session.pending) == (4, 1)


@pytest.mark.parametrize(
    "other",
    [
        ("/json/?a=1", "GET", {}),
        ("/json/", "POST", {}),
        ("/json/", "GET", {"Cookie": "sessionid=other"}),
        ("/json/", "GET", {"Authorization": "Token other"}),
        ("/json/", "GET", {"X-Api-Key": "other"}),
        ("/json/", "GET", {"Content-Type": "text/plain"}),
    ],
    ids=lambda other: " ".join([other[1], other[0], *other[2]]),
)
async def test_nothing_else_is_a_repetition(gateway, other):
    path, method, headers = other
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/json/")
        await recorded(app)
        await ask(app, path, method, headers=headers)
        await recorded(app)
        (session,) = app.recordings._sessions
    assert session.pending == 2


async def test_callers_who_are_told_apart_by_a_header_of_their_own_are_analysed_each_time(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        for key in ("one", "two"):
            await ask(app, "/json/", headers={"X-Api-Key": key})
            await recorded(app)
        (session,) = app.recordings._sessions
    assert session.pending == 2


async def test_a_response_that_differs_is_no_repetition(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        for _ in range(2):
            await ask(app, "/echo/")  # it shows the request's ID
            await recorded(app)
        (session,) = app.recordings._sessions
    assert session.pending == 2


async def test_repetitions_of_what_is_in_no_case_are_left_out_likewise(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(limits=RecordingLimits(size=100))])
        for _ in range(3):
            await ask(app, "/json/")
            _, batch = await recorded(app)
        (session,) = app.recordings._sessions
    assert (batch.skipped, session.pending) == ({"full": 3}, 1)


@pytest.mark.django_db(transaction=True)
async def test_what_noting_statements_takes_is_part_of_the_budget(gateway, monkeypatch):
    taken = []
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        monkeypatch.setattr("gateway.recording.budget.TimeBudget.measured", lambda _, seconds: taken.append(seconds))
        monkeypatch.setattr("gateway.context.recording.Recorder.add", lambda *_: sum(range(1_000_000)))
        await ask(app, "/orm/")
    assert taken[0] > 0.002


async def test_two_may_record_the_same(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(), plan(Target(template="/json/"), name="two", redact=False)])
        await ask(app, "/json/")
        found = [await recorded(app, name) for name in ("one", "two")]
    assert [[case.path for case in cases] for cases, _ in found] == [["/json/"], ["/json/"]]


async def test_what_is_personal_has_a_pseudonym_that_joins(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/echo/?email=ada.lovelace%40example.org", headers={"X-Note": "ada.lovelace@example.org"})
        ((case, _),) = (await recorded(app))[0].items()
    shown = json.dumps([case.query, case.headers, case.answer.body.decode()])
    assert "lovelace" not in shown  # which no random ID contains: it is not hexadecimal
    assert dict(case.headers)["x-note"] == case.query.removeprefix("email=").replace("%40", "@")


async def test_unless_it_is_to_be_kept(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(redact=False)])
        await ask(app, "/echo/?email=ada%40example.org")
        ((case, _),) = (await recorded(app))[0].items()
    assert case.query == "email=ada%40example.org"


@pytest.mark.parametrize(
    ("template", "path", "kept"),
    [("/{token}/", "/s3cret/", False), ("/{address_id:int}/", "/7/", True), ("/{name}/", "/json/", True)],
)
async def test_what_is_personal_in_a_path_has_one_unless_it_names_a_row(gateway, template, path, kept):
    async with running(gateway()) as app:
        app.recordings.follow([plan(Target(template=template))])
        await ask(app, path)
        ((case, _),) = (await recorded(app))[0].items()
    assert (case.path == path) is kept
    assert len(case.path.split("/")) == 3


async def test_what_another_server_does_in_its_database_is_not_known(gateway):
    with outside() as server:
        services = {"far": {"url": server.url}}
        routes = [{"name": "far", "prefix": "/far", "service": "far", "claim": "all"}]
        async with running(gateway(services=services, routes=routes)) as app:
            app.recordings.follow([plan(Target(route="far"))])
            assert (await ask(app, "/far/x")).status == 200
            ((case, _),) = (await recorded(app))[0].items()
    assert (case.route, case.answer.upstream, case.sql) == ("far", "far", None)


async def test_what_the_gateway_itself_refuses_is_not_recorded(gateway):
    services = {"items": {"app": "tests.project.services:items", "middleware": "none"}}
    routes = [{"name": "items", "prefix": "/api", "service": "items"}]
    async with running(gateway(services=services, routes=routes)) as app:
        app.recordings.follow([plan()])
        refused = await ask(app, "/api//items/7/")
        await open_socket(app, "/json/")
        found, batch = await recorded(app)
    assert (refused.status, found, batch.seen) == (400, {}, 0)


async def test_named_fields_tell_requests_apart(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(fields=("kind",))])
        for kind in "aba":
            await ask(app, f"/echo/?kind={kind}")
        found, _ = await recorded(app)
    assert sorted(found.values()) == [1, 2]


# -- who asked --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_a_case_says_who_asked_and_keeps_no_credentials(gateway, client):
    user = await get_user_model().objects.acreate_user("ada", is_staff=True)
    await asyncio.to_thread(client.force_login, user)
    cookie = {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/who/", headers=cookie)  # its view asks
        await ask(app, "/json/", headers=cookie)  # its view doesn't
        await ask(app, "/who/")
        found, _ = await recorded(app)
    who = {(case.path, case.user.kind, case.user.ref) for case in found}
    assert who == {("/who/", "staff", str(user.pk)), ("/json/", "staff", str(user.pk)), ("/who/", "anonymous", None)}
    assert not any(case.header("cookie") for case in found)


async def test_the_language_cookie_is_no_credential(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/json/", headers={"Cookie": "x=1; django_language=el"})
        ((case, _),) = (await recorded(app))[0].items()
    assert case.header("cookie") == "django_language=el"


SESSION = {"Cookie": "sessionid=somebody"}


async def test_of_requests_that_are_alike_only_the_first_ones_are_asked_who_they_are(gateway, monkeypatch):
    """That runs the project's authentication."""
    asked = []
    monkeypatch.setattr(
        "gateway.recording.callers.CallerLookup.ask", lambda _, sampled: asked.append(sampled) or Who("user", "7")
    )
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        for number in range(ASKED + 2):
            await ask(app, f"/json/?page={number}", headers=SESSION)
        ((case, count),) = (await recorded(app))[0].items()
    assert (len(asked), count) == (ASKED, ASKED + 2)
    assert (case.user.kind, case.user.ref) == ("user", "7")


async def test_a_key_that_is_an_address_has_a_pseudonym(gateway, monkeypatch):
    monkeypatch.setattr(
        "gateway.recording.callers.CallerLookup.ask", lambda *_: Who("user", "ada.lovelace@example.org")
    )
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/json/", headers=SESSION)
        ((case, _),) = (await recorded(app))[0].items()
    assert "lovelace" not in case.user.ref
    assert case.user.ref.endswith("@example.com")


# -- bounds -----------------------------------------------------------------------------------------


async def test_so_many_cases_of_an_endpoint_are_kept(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(Target(template="/echo/"), limits=RecordingLimits(cases=2))])
        for name in "abcda":
            await ask(app, f"/echo/?{name}=1")
        found, batch = await recorded(app)
    assert sorted(found.values()) == [1, 2]
    assert batch.skipped == {"full": 2}


async def test_so_many_bytes_are_kept(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(limits=RecordingLimits(size=100))])
        await ask(app, "/json/")
        found, batch = await recorded(app)
    assert (found, batch.skipped) == ({}, {"full": 1})


async def test_long_bodies_are_left_out_on_either_side(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(limits=RecordingLimits(max_body=100))])
        await ask(app, "/large/1000/")
        await ask(app, "/digest/", "POST", body=b"x" * 1000)
        found, batch = await recorded(app)
    assert (found, batch.skipped) == ({}, {"size": 2})


async def test_a_share_of_the_requests_is_enough(gateway):
    app = gateway()
    app.recordings._random = iter([0.1, 0.9, 0.4]).__next__
    async with running(app):
        app.recordings.follow([plan(limits=RecordingLimits(percent=50))])
        for _ in range(3):
            await ask(app, "/json/")
        found, batch = await recorded(app)
    assert [*found.values()] == [2]
    assert batch.skipped == {"share": 1}


async def test_a_process_without_time_for_it_lets_requests_pass(gateway, monkeypatch):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        app.recordings._budget.analysed += 1000
        answer = await ask(app, "/json/")
        found, batch = await recorded(app)
    assert (answer.status, found, batch.skipped) == (200, {}, {"busy": 1})


async def test_bodies_that_nobody_can_redact_are_left_out(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/digest/", "POST", headers={"Content-Type": "application/x-proto"}, body=b"\x00\x01")
        found, batch = await recorded(app)
    assert (found, batch.skipped) == ({}, {"unreadable": 1})


async def test_what_is_compressed_is_kept_as_what_it_says(gateway, project):
    project.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware"]
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/large/1000/", headers={"Accept-Encoding": "gzip"})
        ((case, _),) = (await recorded(app))[0].items()
    assert len(case.answer.body) in (0, 1000)
    assert "content-encoding" not in dict(case.answer.headers)


async def test_what_only_says_that_it_is_compressed_is_left_out_of_its_answer(gateway, project):
    project.MIDDLEWARE = [f"{__name__}.says_gzip"]
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/json/")
        ((case, _),) = (await recorded(app))[0].items()
    assert (case.answer.body, dict(case.answer.headers)["content-encoding"]) == (b"", "gzip")


def says_gzip(get_response):
    """A middleware with a fault."""

    def answered(request):
        response = get_response(request)
        response["Content-Encoding"] = "gzip"
        return response

    return answered


# -- its end ----------------------------------------------------------------------------------------


async def test_it_ends_when_it_is_told_to(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/json/")
        app.recordings.follow([])
        assert not app.recordings.active
        await ask(app, "/echo/")
        found, batch = await recorded(app)
        assert batch.done
        assert len(found) == 1
        app.recordings.stored([batch])
        assert app.recordings.drain() == []


async def test_it_ends_by_itself(gateway, gateway_clock):
    app = gateway()
    app.recordings._clock = gateway_clock
    async with running(app):
        app.recordings.follow([plan(until=gateway_clock.time() + 10)])
        await ask(app, "/json/")
        gateway_clock.advance(11)
        await ask(app, "/echo/")
        found, batch = await recorded(app)
    assert [case.path for case in found] == ["/json/"]
    assert batch.done
    assert not app.recordings.active


async def test_one_may_end_before_another(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(), plan(name="two")])
        await ask(app, "/json/")
        app.recordings.follow([plan(name="two")])
        _, batch = await recorded(app)
        app.recordings.stored([batch])
        app.recordings.restore([batch])  # of one that is over, nothing comes back
        assert [one.recording for one in app.recordings.drain()] == ["two"]
        assert app.recordings.active


async def test_none_outlives_the_process(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        app.recordings.close()
        await ask(app, "/json/")
        found, batch = await recorded(app)
        assert (app.recordings.active, found, batch.done) == (False, {}, True)


async def test_counts_that_could_not_be_stored_are_given_again(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/json/")
        _, batch = await recorded(app)
        app.recordings.stored([batch])
        await ask(app, "/json/")
        _, more = await recorded(app)
        app.recordings.restore([more])
        (again,) = app.recordings.drain()
    assert [(one.count, one.document) for one in again.found.values()] == [(1, None)]


async def test_another_may_begin_meanwhile(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/json/")
        app.recordings.follow([plan(), plan(name="two")])
        await ask(app, "/json/")
        counts = [[*(await recorded(app, name))[0].values()] for name in ("one", "two")]
    assert counts == [[2], [1]]


async def test_what_could_not_be_stored_is_given_again(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        await ask(app, "/json/")
        found, batch = await recorded(app)
        app.recordings.restore([batch])
        await ask(app, "/json/")
        again, _ = await recorded(app)
    assert list(again) == list(found)
    assert [*again.values()] == [2]


async def test_a_failure_is_logged_and_counted_and_no_caller_hears_of_it(gateway, monkeypatch, caplog):
    async with running(gateway()) as app:
        app.recordings.follow([plan()])
        monkeypatch.setattr("gateway.recording.session.document_of", lambda *_: 1 / 0)
        assert (await ask(app, "/json/")).status == 200
        found, batch = await recorded(app)
    assert (found, batch.skipped) == ({}, {"failed": 1})
    assert "a request could not be recorded" in caplog.text


async def test_bytes_come_back(gateway):
    async with running(gateway()) as app:
        app.recordings.follow([plan(redact=False)])
        await ask(app, "/digest/", "POST", headers={"Content-Type": "x/y"}, body=b"\xff\x00")
        ((case, _),) = (await recorded(app))[0].items()
    assert case.body == b"\xff\x00"
    assert base64.b64encode(case.body)
