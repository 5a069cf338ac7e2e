"""Mirrors: who gets a copy of which request, when, and what is made of the two answers."""

from __future__ import annotations

import asyncio
import time
from datetime import date
from types import SimpleNamespace

import pytest

from gateway.dispatch.scope import MIRROR
from gateway.mirroring import backpressure as load
from gateway.mirroring import worker
from gateway.mirroring.answer_tap import AnswerTap
from gateway.mirroring.limits import REFUSED, MirrorLimits
from tests.parity.copies import compared, counted
from tests.project import mirrored
from tests.support.asgi import Connection, ask, running, scope, until

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def asked():
    """What the service was asked, in order."""
    mirrored.asked.clear()
    mirrored.seen.clear()
    return mirrored.asked


@pytest.fixture
def shadowed(gateway, project, scratch):
    """Build a gateway with a service whose route is in shadow; keyword arguments are more keys of the route.

    The project has no middleware here, whose headers the service would not have, and a busy machine drops no mirrors.
    """
    project.MIDDLEWARE = []

    def build(*, mirror=None, settings=None, app="tests.project.mirrored:app", **route):
        mirror = {"control": 0} | (mirror or {})
        table = {"name": "m", "prefix": "/m", "service": "m", "stage": "shadow", "claim": "all", "mirror": mirror}
        services = {"m": {"app": app, "middleware": "none"}}
        mirrors = {"lag": 10, "database": scratch} | (settings or {})
        return gateway(services=services, routes=[table | route], mirror=mirrors)

    return build


def found(app) -> list[tuple[str, str]]:
    return sorted((group.summary, group.severity) for group in app.difference_log.drain().groups)


# -- who is asked, and when ---------------------------------------------------------------------


async def test_in_shadow_legacy_answers_and_the_service_is_asked_too(shadowed, asked):
    async with running(shadowed()) as app:
        answer = await ask(app, "/m/same/")
        assert (answer.status, answer["x-served-by"]) == (200, "legacy")
        await compared(app)
    assert asked == ["GET /m/same/"]


async def test_the_caller_is_answered_before_the_service_is_asked(shadowed, asked, monkeypatch):
    async def note(self, message):
        asked.append(message["type"])

    monkeypatch.setattr(Connection, "_send", note)
    async with running(shadowed()) as app:
        await ask(app, "/m/same/")
        await compared(app)
    assert asked == ["http.response.start", "http.response.body", "GET /m/same/"]


async def test_a_mirror_is_the_same_request(shadowed):
    async with running(shadowed()) as app:
        await ask(app, "/m/echo/?a=1&a=2", headers={"Cookie": "a=b", "X-Request-ID": "abc", "Accept-Language": "el"})
        await compared(app)
        assert (counted(app).equal, found(app)) == (1, [])


async def test_a_mirror_sees_the_cookies_that_http_2_has_split_as_its_caller_did(shadowed):
    split = [(b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x-request-id", b"abc")]
    async with running(shadowed()) as app:
        answer = await ask(app, "/m/echo/", headers=split, http_version="2")
        await compared(app)
        assert (answer.json()["cookies"], counted(app).equal, found(app)) == ({"a": "1", "b": "2"}, 1, [])


async def test_a_mirror_has_the_body_of_the_request(shadowed):
    async with running(shadowed(mirror={"methods": ["POST"]})) as app:
        await ask(app, "/m/echo/", "POST", body=b"abc", headers={"Content-Length": "3"})
        await compared(app)
        assert counted(app).equal == 1


async def test_a_service_can_tell_that_nobody_sees_its_answer(shadowed):
    async with running(shadowed()) as app:
        await ask(app, "/m/same/")
        await compared(app)
    assert mirrored.scopes[-1][MIRROR] is True


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_what_may_change_something_is_not_mirrored(shadowed, asked, method):
    async with running(shadowed()) as app:
        await ask(app, "/m/same/", method)
        await ask(app, "/m/same/")
        await compared(app)
    assert asked == ["GET /m/same/"]


@pytest.mark.parametrize(("weight", "answers", "other"), [(100, "m", "legacy"), (0, "legacy", "m")])
async def test_a_canary_is_mirrored_both_ways(shadowed, weight, answers, other):
    async with running(shadowed(stage="canary", weight=weight, mirror={"canary": 100})) as app:
        assert (await ask(app, "/m/price/"))["x-served-by"] == answers
        await compared(app)
        [group] = app.difference_log.drain().groups
        [example] = group.examples
        assert (group.summary, example.expected, example.actual) == (
            "type of /price changed, string → number", '"1.50"', "1.5",
        )  # fmt: skip


async def test_a_live_route_is_mirrored_to_legacy(shadowed, asked):
    async with running(shadowed(stage="live", mirror={"live": 100})) as app:
        assert (await ask(app, "/m/same/"))["x-served-by"] == "m"
        await compared(app)
    assert asked == ["GET /m/same/"]


async def test_head_is_compared_without_bodies(shadowed):
    async with running(shadowed()) as app:
        await ask(app, "/m/same/", "HEAD")
        await compared(app)
        assert (counted(app).equal, found(app)) == (1, [])


async def test_what_a_service_would_be_refused_it_gets_no_copy_of(shadowed, asked):
    """Legacy answers 400 to a host that isn't ours; a service could build URLs of it, and put them into a cache."""
    async with running(shadowed()) as app:
        await ask(app, "/m/same/", headers={"Host": "evil.example"})
        assert (await dropped(app), asked) == ({"refused": 1}, [])


# -- what is found ------------------------------------------------------------------------------


async def test_equal_answers_are_counted_and_nothing_is_reported(shadowed):
    async with running(shadowed()) as app:
        for _ in range(3):
            await ask(app, "/m/same/")
        await compared(app, 3)
        assert (counted(app).equal, counted(app).mirrored, found(app)) == (3, 3, [])


async def test_differences_are_grouped_by_template_and_not_by_url(shadowed):
    async with running(shadowed(claim="implemented")) as app:
        for number in range(5):
            await ask(app, f"/m/things/{number}/")
        await compared(app, 5)
        [group] = app.difference_log.drain().groups
        assert (group.template, group.count, len(group.examples)) == ("GET /m/things/{number}/", 5, 3)


async def test_what_the_rules_allow_is_no_difference(shadowed):
    async with running(shadowed(compare={"ignore": ["/price"]})) as app:
        await ask(app, "/m/price/")
        await compared(app)
        assert (counted(app).equal, found(app)) == (1, [])


async def test_an_accepted_difference_is_counted_as_such(shadowed):
    accepted = {"path": "/price", "reason": "agreed", "owner": "ada", "expires": date(2999, 1, 1)}
    async with running(shadowed(compare={"accepted": [accepted]})) as app:
        await ask(app, "/m/price/")
        await compared(app)
        taken = app.difference_log.drain()
        assert (taken.groups, list(taken.matches.values())) == ((), [1])


async def test_answers_that_can_not_be_read_are_not_compared_and_counted(shadowed):
    async with running(shadowed()) as app:
        await ask(app, "/m/packed/")
        await compared(app)
        assert (counted(app).errors, counted(app).compared, found(app)) == (1, 0, [])


async def test_a_failure_of_the_mirror_itself_is_logged_and_counted(shadowed, monkeypatch, caplog):
    monkeypatch.setattr("gateway.mirroring.maker.MirrorMaker.make", lambda *_: 1 // 0)
    async with running(shadowed()) as app:
        assert (await ask(app, "/m/same/")).status == 200
        await compared(app)
        assert (counted(app).errors, found(app)) == (1, [])
    assert "route 'm': a mirror failed" in caplog.text


def test_what_two_mirrors_would_use_at_once_is_told_once(caplog):
    policy, match = SimpleNamespace(route="m"), SimpleNamespace(template="/m/")
    copy = SimpleNamespace(policy=policy, match=match, template="GET /m/", other="m")
    limits = MirrorLimits(None, 1.0, barred=False)
    for now in (0.0, 1.0):
        limits.refuse(copy, "a connection to redis", now)
    assert caplog.text.count("as m would use a connection to redis") == 1
    assert (limits.unshielded("m", "/m/", 1.0), limits.unshielded("m", "/other/", 1.0)) == (True, False)
    assert not limits.unshielded("m", "/m/", REFUSED)


async def test_secrets_are_not_kept(shadowed):
    async with running(shadowed()) as app:
        await ask(app, "/m/secret/?token=open-sesame")
        await compared(app)
        [group] = app.difference_log.drain().groups
        assert "sesame" not in repr(group)
        assert group.examples[0].expected != group.examples[0].actual


async def test_a_service_that_fails_in_a_mirror_is_a_breaking_difference(shadowed):
    async with running(shadowed()) as app:
        assert (await ask(app, "/m/raises/")).status == 200
        await compared(app)
        [(summary, severity)] = found(app)
        assert (summary.partition(",")[0], severity) == ("no answer from the service", "breaking")


@pytest.mark.parametrize("what", mirrored.UNSENDABLE)
async def test_an_answer_that_no_server_can_send_is_none(shadowed, what):
    async with running(shadowed(app="tests.project.mirrored:unsendable")) as app:
        await ask(app, f"/m/{what}/")
        await compared(app)
        [(summary, severity)] = found(app)
        assert (counted(app).errors, severity) == (0, "breaking")
        assert summary.startswith("no answer from the service, Malformed")


async def test_mirrors_are_counted_apart_from_what_callers_asked(shadowed):
    async with running(shadowed()) as app:
        for what in ("same", "raises"):
            await ask(app, f"/m/{what}/")
        await compared(app, 2)
        taken = app.counters.take()
        callers, mirrors = taken.side("m", "legacy"), taken.side("m", "service mirrored")
        assert (callers.requests, callers.errors, mirrors.requests, mirrors.errors) == (2, 0, 2, 1)


async def test_a_mirror_that_takes_too_long_is_given_up(shadowed):
    async with running(shadowed(mirror={"timeout": 0.05})) as app:
        await ask(app, "/m/hangs/")
        await compared(app)
        [group] = app.difference_log.drain().groups
        assert "TimeoutError after 0.05 s" in group.examples[0].actual


@pytest.mark.parametrize("how", ["fail", "hang"])
async def test_what_a_service_does_after_a_whole_answer_does_not_count(shadowed, how):
    async with running(shadowed(mirror={"timeout": 0.05})) as app:
        await ask(app, f"/m/then-{how}/")
        await compared(app)
        assert (counted(app).equal, found(app)) == (1, [])


async def test_a_service_that_cancels_itself_is_a_breaking_difference_and_no_more(shadowed, asked):
    async with running(shadowed(settings={"concurrency": 1})) as app:
        await asyncio.gather(*[ask(app, f"/m/{what}/") for what in ("cancelled", "same")])
        await compared(app, 2)
        assert (counted(app).dropped, counted(app).different, counted(app).equal) == ({}, 1, 1)


async def test_what_differs_between_two_answers_of_legacy_is_noise(shadowed):
    async with running(shadowed(mirror={"control": 100})) as app:
        await ask(app, "/m/random/")
        await compared(app)
        [group] = app.difference_log.drain().groups
        assert (group.count, group.noise, counted(app).controls) == (1, 1, 1)


async def test_noise_does_not_count_against_parity(shadowed):
    async with running(shadowed(mirror={"control": 100})) as app:
        for _ in range(3):
            await ask(app, "/m/random/")
        await ask(app, "/m/price/")
        await compared(app, 4)
        assert (counted(app).equal, counted(app).different) == (3, 1)


async def test_the_first_requests_of_a_route_are_controlled_whatever_the_percentage(shadowed):
    async with running(shadowed(mirror={"control": 0.0001})) as app:
        for _ in range(3):
            await ask(app, "/m/random/")
        await compared(app, 3)
        assert (counted(app).controls, counted(app).different) == (3, 0)


# -- what is dropped, and counted ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("control", [0, 100])
@pytest.mark.parametrize("how", ["blocks", "then-block"])
async def test_an_endpoint_that_blocks_the_event_loop_gets_no_mirrors_for_a_while(shadowed, how, control, caplog):
    """Callers wait for it too."""
    async with running(shadowed(settings={"lag": 0.1}, mirror={"control": control})) as app:
        for times in (1, 2):
            assert await until(lambda: app.mirrors._limits._backpressure.pressed(app.clock.monotonic()) is None)
            await ask(app, f"/m/{how}/")
            await compared(app, times)
        assert await until(lambda: app.mirrors._limits._backpressure.pressed(app.clock.monotonic()) is None)
        await ask(app, f"/m/{how}/")
        assert await until(lambda: bool(counted(app).dropped))
        assert counted(app).dropped == {"blocks": 1}
        await ask(app, "/m/things/1/")  # another endpoint of this route
        await compared(app, 3)
    assert "the event loop stood still for 0." in caplog.text


@pytest.mark.slow
async def test_a_service_that_only_takes_its_time_gets_mirrors(shadowed):
    async with running(shadowed(settings={"lag": 0.1})) as app:
        await ask(app, "/m/waits/")
        await compared(app)
        await ask(app, "/m/same/")
        await compared(app, 2)
        assert counted(app).dropped == {}


async def dropped(app) -> dict[str, int]:
    assert await until(lambda: bool(counted(app).dropped))
    return counted(app).dropped


async def test_an_answer_that_is_too_long_is_not_compared(shadowed, asked):
    async with running(shadowed(mirror={"max_body": 10})) as app:
        await ask(app, "/m/same/")
        assert (await dropped(app), asked) == ({"size": 1}, [])


async def test_of_an_answer_that_is_too_long_nothing_is_kept():
    tap = AnswerTap("GET", 10)
    for _ in range(3):
        tap.keep({"type": "http.response.body", "body": b"123456", "more_body": True})
    assert (tap.over, bytes(tap.body)) == (True, b"")


async def test_a_body_that_is_too_long_is_not_mirrored(shadowed, asked):
    async with running(shadowed(mirror={"max_body": 1000, "methods": ["POST"]})) as app:
        await ask(app, "/m/same/", "POST", body=b"x" * 1001, headers={"Content-Length": "1001"})
        assert (await dropped(app), asked) == ({"size": 1}, [])


@pytest.mark.parametrize(
    ("method", "version", "sent"), [("POST", "2", {"unread": 1}), ("POST", "1.1", {}), ("GET", "2", {})]
)
async def test_what_nobody_has_read_can_not_be_sent_again(shadowed, method, version, sent):
    """HTTP/2 needs no Content-Length for a body."""
    route = {"stage": "live", "mirror": {"live": 100, "methods": ["GET", "POST"]}}
    async with running(shadowed(app="tests.project.mirrored:incurious", **route)) as app:
        asked = Connection(app, scope("/m/same/", method, http_version=version))
        await asked.done()
        assert await until(lambda: bool(counted(app).mirrored or counted(app).dropped))
        assert counted(app).dropped == sent


async def test_an_answer_of_the_service_that_is_too_long_ends_there(shadowed):
    async with running(shadowed(mirror={"max_body": 1000})) as app:
        await ask(app, "/m/endless/")
        await compared(app)
        [group] = app.difference_log.drain().groups
        assert "too long to be compared" in group.examples[0].actual


async def test_an_answer_that_is_too_long_is_so_whatever_the_service_makes_of_it(shadowed):
    async with running(shadowed(app="tests.project.mirrored:stubborn", mirror={"max_body": 1000})) as app:
        await ask(app, "/m/same/")
        await compared(app)
        [group] = app.difference_log.drain().groups
        assert "too long to be compared" in group.examples[0].actual


async def test_a_file_that_the_server_sends_is_not_compared(shadowed, asked):
    async with running(shadowed(stage="live", mirror={"live": 100})) as app:
        found = await ask(app, "/m/file/", extensions={"http.response.pathsend": {}})
        assert [message["type"] for message in found.messages] == ["http.response.start", "http.response.pathsend"]
        assert (await dropped(app), asked) == ({"size": 1}, [])


async def test_a_mirror_can_not_leave_its_file_to_the_server(shadowed):
    async with running(shadowed()) as app:
        await ask(app, "/m/same/", extensions={"http.response.pathsend": {}, "tls": {"client_cert_chain": []}})
        await compared(app)
        assert mirrored.scopes[-1]["extensions"] == {"tls": {"client_cert_chain": []}}


async def test_more_than_may_wait_is_dropped(shadowed):
    async with running(shadowed(settings={"queue": 2, "concurrency": 1}, mirror={"timeout": 60})) as app:
        await ask(app, "/m/hangs/")
        assert await until(lambda: counted(app).mirrored == 1)
        for _ in range(4):
            await ask(app, "/m/hangs/")
        assert await dropped(app) == {"queue": 2}


async def test_more_bytes_than_may_wait_are_dropped(shadowed):
    async with running(shadowed(settings={"memory": 200, "concurrency": 1}, mirror={"timeout": 60})) as app:
        await ask(app, "/m/hangs/")
        assert await until(lambda: counted(app).mirrored == 1)
        for _ in range(4):
            await ask(app, "/m/hangs/")
        assert (await dropped(app)).keys() == {"memory"}


async def test_no_more_run_at_once_than_may(shadowed):
    async with running(shadowed(settings={"concurrency": 2}, mirror={"timeout": 60})) as app:
        for _ in range(5):
            await ask(app, "/m/hangs/")
        assert await until(lambda: counted(app).mirrored == 2)
        await asyncio.sleep(0.2)
        assert counted(app).mirrored == 2


async def test_mirrors_are_dropped_while_requests_wait_for_a_thread(shadowed, monkeypatch, asked):
    async with running(shadowed()) as app:
        monkeypatch.setattr(type(app.legacy), "busy", True)
        await ask(app, "/m/same/")
        assert (await dropped(app), asked) == ({"busy": 1}, [])


async def test_that_a_request_waits_for_a_moment_drops_nothing(shadowed, monkeypatch):
    looks = iter([True, True])
    async with running(shadowed()) as app:
        monkeypatch.setattr(type(app.legacy), "busy", property(lambda _legacy: next(looks, False)))
        await ask(app, "/m/same/")
        await compared(app)
        assert counted(app).dropped == {}


@pytest.mark.slow
async def test_mirrors_are_dropped_while_the_event_loop_is_late(shadowed, asked):
    async with running(shadowed(settings={"lag": 0.1})) as app:
        await ask(app, "/m/same/")
        await asyncio.sleep(0)
        time.sleep(0.5)  # noqa: ASYNC251 - which is what is tested
        assert (await dropped(app), asked) == ({"lag": 1}, [])
        await ask(app, "/m/same/")
        assert counted(app).dropped == {"lag": 2}  # for a while


async def test_mirrors_are_gathered_and_sent_one_after_another(shadowed, asked):
    async with running(shadowed(settings={"delay": 0.2, "concurrency": 2})) as app:
        for _ in range(3):
            await ask(app, "/m/same/")
        await asyncio.sleep(0.05)
        assert asked == []
        await compared(app, 3)
        assert asked == ["GET /m/same/"] * 3


async def test_a_mirror_waits_while_requests_come(shadowed, asked, monkeypatch):
    monkeypatch.setattr(load, "QUIET", 3600)
    monkeypatch.setattr(worker, "PATIENCE", 0.3)
    async with running(shadowed()) as app:
        await ask(app, "/m/same/")
        await asyncio.sleep(0.15)
        assert asked == []
        await compared(app)  # but not for ever
    assert asked == ["GET /m/same/"]


async def test_a_mirror_does_not_wait_where_others_would_be_lost(shadowed, monkeypatch):
    monkeypatch.setattr(load, "QUIET", 3600)
    monkeypatch.setattr(worker, "PATIENCE", 3600)
    async with running(shadowed(settings={"queue": 4})) as app:
        for _ in range(4):
            await ask(app, "/m/same/")
        await compared(app)


async def test_a_client_that_left_before_its_answer_was_whole_leaves_nothing_to_compare(shadowed, asked):
    async with running(shadowed()) as app:
        asking = Connection(app, scope("/m/slow/"))
        asking.body()
        await asking.until(2)
        asking.leave()
        await asking.done()
        assert (await dropped(app), asked) == ({"unanswered": 1}, [])


async def test_a_client_that_leaves_after_its_answer_cancels_nothing(shadowed, asked):
    async with running(shadowed()) as app:
        asking = Connection(app, scope("/m/same/"))
        asking.body()
        await asking.done()
        asking.leave()
        await compared(app)
    assert asked == ["GET /m/same/"]


async def test_at_the_end_what_waits_is_dropped_and_what_runs_is_stopped(shadowed):
    async with running(shadowed(settings={"concurrency": 1}, mirror={"timeout": 60})) as app:
        for _ in range(3):
            await ask(app, "/m/hangs/")
        assert await until(lambda: counted(app).mirrored == 1)
    assert counted(app).dropped == {"stopped": 3}


async def test_after_the_end_there_are_none(shadowed, asked):
    async with running(shadowed()) as app:
        await app.mirrors.shutdown()
        assert (await ask(app, "/m/same/")).status == 200
        assert (await dropped(app), asked) == ({"stopped": 1}, [])


async def test_a_mirror_knows_nothing_of_the_callers_context(shadowed):
    """A context variable that the caller's request has set is another request's in the mirror."""
    async with running(shadowed()) as app:
        mirrored.variable.set("the caller's")
        await ask(app, "/m/context/")
        await compared(app)
    assert mirrored.seen == ["unset"]


async def test_a_mirror_knows_nothing_of_another_ones_context(shadowed):
    async with running(shadowed(settings={"concurrency": 1})) as app:
        await asyncio.gather(*[ask(app, "/m/context/") for _ in range(3)])
        await compared(app, 3)
    assert mirrored.seen == ["unset"] * 3
