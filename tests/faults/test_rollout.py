"""Whatever a service does on its way to live: legacy answers, whole and once, and the process goes on."""

from __future__ import annotations

import http.client
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import project_toml
from tests.project.faulty import BEGUN, FAULTS, STATE, UNBEGUN, legacy_body
from tests.support.server import Reply, Server, eventually

pytestmark = pytest.mark.server

STAGES = {"shadow": 'stage = "shadow"', "canary": 'stage = "canary"\nweight = 100', "live": 'stage = "live"'}
MIDDLEWARE = {"": "none", "-bridged": "django"}
PLACES = [f"{stage}{suffix}" for stage in STAGES for suffix in MIDDLEWARE]
SHADOWS = [place for place in PLACES if place.startswith("shadow")]
SERVED = [place for place in PLACES if not place.startswith("shadow")]

PLACE = """
[services.%(name)s]
app = "tests.project.faulty:%(app)s"
middleware = "%(middleware)s"
timeout = 0.4

[services.%(name)s.breaker]
cooldown = 0.1
max_cooldown = 0.1

[[routes]]
name = "%(name)s"
prefix = "/faults/%(name)s"
service = "%(name)s"
claim = "all"
%(stage)s
fallback = { statuses = [500, 502, 503, 504] }
mirror = { timeout = 0.4 }
"""


def places(app: str) -> str:
    """A service and a route for each stage, without Django's middleware and with it."""
    return STATE + "".join(
        PLACE % {"name": stage + suffix, "app": app, "middleware": middleware, "stage": keys}
        for stage, keys in STAGES.items()
        for suffix, middleware in MIDDLEWARE.items()
    )


@pytest.fixture(scope="module")
def faulty(serve: Callable[..., Server]) -> Iterator[Server]:
    """Every place, served by what fails as its path says."""
    with serve(project_toml(places("app"))) as server:
        yield server


@pytest.fixture(scope="module")
def threaded(serve: Callable[..., Server]) -> Iterator[Server]:
    """Every place, served by plain `def` endpoints."""
    with serve(project_toml(places("threaded"))) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test the process serves both sides, and nothing of the faults is still going on."""
    yield
    for name in {"faulty", "threaded"} & {*request.fixturenames}:
        server = request.getfixturevalue(name)
        assert server.json("/json/") == {"hello": "world"}
        assert eventually(lambda server=server: at_rest(server)), str(server.json("/state/"))


def at_rest(server: Server) -> bool:
    """Whether nothing is going on but this question."""
    state = server.json("/state/")
    return [state[key] for key in ("mirrors", "bytes", "in_flight", "busy_threads", "tasks")] == [0, 0, 1, 0, []]


def by_legacy(reply: Reply, how: str) -> bool:
    """Whether this is legacy's whole answer."""
    return (reply.status, reply["x-served-by"], reply.body) == (200, "legacy", legacy_body(how))


def recovered(server: Server, place: str) -> bool:
    """Whether the service is used again, before anybody loses patience."""
    return eventually(lambda: server.request(f"/faults/{place}/fine/")["x-served-by"] == place)


def asked(server: Server, key: str) -> dict[str, int]:
    """How often each side was asked with this key."""
    return server.json(f"/state/?key={key}")["asked"]


# -- shadow --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", FAULTS)
@pytest.mark.parametrize("place", SHADOWS)
def test_who_asks_a_shadow_route_never_notices(faulty, place, how):
    replies = [faulty.request(f"/faults/{place}/{how}/") for _ in range(3)]
    assert all(by_legacy(reply, how) for reply in replies), replies


@pytest.mark.parametrize("place", SHADOWS)
def test_every_fault_at_once_is_noticed_by_nobody(faulty, place):
    hows = [*FAULTS] * 4
    with ThreadPoolExecutor(12) as pool:
        replies = pool.map(lambda how: faulty.request(f"/faults/{place}/{how}/"), hows)
        assert all(by_legacy(reply, how) for reply, how in zip(replies, hows, strict=True))


@pytest.mark.parametrize("how", ["raises", "hangs", "exits", "cancels", "leaks", "endless"])
def test_mirrors_go_on_after_a_service_that_failed_in_one(faulty, how):
    def equal() -> int:
        return faulty.json("/state/")["mirrored"].get("shadow", {"warned": 0, "different": 0})["different"]

    for _ in range(5):
        faulty.request(f"/faults/shadow/{how}/")
    before = equal()
    faulty.request("/faults/shadow/fine/")
    assert eventually(lambda: equal() > before)


@pytest.mark.parametrize("how", ["hangs", "endless", "leaks", "large"])
def test_mirrors_of_large_answers_stay_within_bounds(faulty, how):
    def resident() -> int:
        lines = Path(f"/proc/{faulty.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024

    def ask(path: str) -> bool:
        return by_legacy(faulty.request(path), path.split("/")[3])

    before = resident()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, [f"/faults/shadow/{how}/", "/faults/shadow/large/"] * 200))
        most = resident()
    assert most - before < 100 * 2**20, f"{before >> 20} MB before, {most >> 20} MB after"


# -- canary and live -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("how", UNBEGUN)
@pytest.mark.parametrize("place", SERVED)
def test_legacy_answers_for_a_service_that_has_not_begun(faulty, place, how, method):
    assert recovered(faulty, place)
    key = uuid.uuid4().hex
    reply = faulty.request(f"/faults/{place}/{how}/?key={key}", method)
    assert (reply.status, reply["x-served-by"]) == (200, "legacy"), reply
    assert reply.body == (b"" if method == "HEAD" else legacy_body(how))
    assert asked(faulty, key) == {"legacy": 1, "service": 1}


@pytest.mark.parametrize("how", BEGUN)
@pytest.mark.parametrize("place", SERVED)
def test_an_answer_that_had_begun_is_cut_off_or_legacys(faulty, place, how):
    """Inside of Django's middleware what was sent may be held back still."""
    assert recovered(faulty, place)
    try:
        reply = faulty.request(f"/faults/{place}/{how}/")
    except (http.client.IncompleteRead, ConnectionError):
        return
    assert by_legacy(reply, how)


@pytest.mark.parametrize("how", [*UNBEGUN, *BEGUN])
@pytest.mark.parametrize("place", SERVED)
def test_an_unsafe_request_that_failed_is_made_once(faulty, place, how):
    assert recovered(faulty, place)
    key = uuid.uuid4().hex
    try:
        reply = faulty.request(f"/faults/{place}/{how}/?key={key}", "POST", body=b"order")
    except (http.client.HTTPException, ConnectionError):
        pass
    else:
        assert reply.status >= 500
        assert b"legacy" not in reply.body
    assert asked(faulty, key) == {"legacy": 0, "service": 1}


@pytest.mark.parametrize("how", ["raises", "hangs", "503", "silent"])
@pytest.mark.parametrize("place", SERVED)
def test_a_service_that_failed_often_rests_and_is_used_again(faulty, place, how):
    assert recovered(faulty, place)
    with ThreadPoolExecutor(10) as pool:
        replies = pool.map(faulty.request, [f"/faults/{place}/{how}/"] * 30)
        assert all(by_legacy(reply, how) for reply in replies)
    key = uuid.uuid4().hex
    assert recovered(faulty, place)
    reply = faulty.request(f"/faults/{place}/fine/?key={key}", "POST")
    assert (reply.status, reply["x-served-by"]) == (200, place)


# -- threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_endpoints_that_keep_their_threads_hold_nobody_else_up(threaded, place):
    """More of them than there are threads; what was cancelled runs on until the gate opens."""
    gate = uuid.uuid4().hex
    how = f"blocks-thread/{gate}"
    with ThreadPoolExecutor(12) as pool:
        assert all(by_legacy(reply, how) for reply in pool.map(threaded.request, [f"/faults/{place}/{how}/"] * 24))
    threaded.open_gate(gate)
    assert eventually(lambda: at_rest(threaded))
    if place in SERVED:
        assert eventually(lambda: threaded.request(f"/faults/{place}/sync/")["x-served-by"] == place)
