"""A mirror neither reads nor writes the caches that callers share, whichever backend keeps them."""

from __future__ import annotations

import logging

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.db import connection

from gateway.context.mirror_scope import MirrorScope, NotShielded, mirror_scope
from gateway.shield import shield
from tests.support.redis import redis_url, there_is_redis

BACKENDS = {
    "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "shield"},
    "files": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"},
    "database": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "shield_cache"},
    "redis": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_url()},
    "django-redis": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": redis_url(1)},
}
WAYS = ["/s/sync/", "/s/async/", "/s/threads/", "/s/task/"]

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


def use(settings, tmp_path, backend: str) -> None:
    chosen = dict(BACKENDS[backend])
    if "redis" in backend and not there_is_redis():
        pytest.skip("no Redis")
    if backend == "files":
        chosen["LOCATION"] = str(tmp_path)
    settings.CACHES = {"default": chosen}


@pytest.fixture(params=BACKENDS)
def shared(request, settings, tmp_path):
    """The default cache, which has "known" for its callers."""
    use(settings, tmp_path, request.param)
    if request.param == "database":
        call_command("createcachetable", "shield_cache")
    cache.clear()
    cache.set("known", "to callers", 60)
    cache.set("counter", 5, 60)
    yield cache
    cache.clear()
    if request.param == "database":
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE shield_cache")


def rewrite():
    """All that a view does with a cache."""
    found = cache.get("known"), cache.get_many(["known", "counter"]), "known" in cache, cache.has_key("counter")
    cache.set("known", "to a mirror")
    cache.set_many({"new": 1, "counter": 50})
    cache.incr("counter")
    cache.touch("known", 1)
    cache.add("added", True)
    cache.get_or_set("made", lambda: 1)
    own = cache.get("known"), cache.get("counter"), cache.get("made")
    cache.delete("known")
    cache.clear()
    return found, own


async def arewrite():
    found = await cache.aget("known"), await cache.aget_many(["known"]), await cache.ahas_key("known")
    await cache.aset("known", "to a mirror")
    own = await cache.aget("known")
    await cache.adelete("known")
    await cache.aclear()
    return found, own


@pytest.mark.long
@pytest.mark.parametrize("side", ["service", "legacy"])
async def test_a_mirror_finds_a_cache_empty_and_leaves_it_as_it_is(shared, mirrored, side):
    found, own = await mirrored(rewrite, side=side)
    assert (found, own) == ((None, {}, False, False), ("to a mirror", 51, 1))
    assert await shared.aget_many(["known", "counter", "new", "added", "made"]) == {"known": "to callers", "counter": 5}


@pytest.mark.parametrize("side", ["service", "legacy"])
async def test_so_does_one_that_asks_asynchronously(shared, mirrored, side):
    assert await mirrored(arewrite, side=side, path="/s/async/") == ((None, {}, False), "to a mirror")
    assert await shared.aget("known") == "to callers"


@pytest.fixture
def in_memory(settings, tmp_path):
    use(settings, tmp_path, "memory")
    cache.set("known", "to callers")
    yield cache
    cache.clear()


@pytest.mark.parametrize("path", WAYS[:1] + WAYS[2:])
@pytest.mark.parametrize("middleware", ["django", "none"])
async def test_whatever_thread_or_task_it_asks_on(in_memory, mirrored, path, middleware):
    await mirrored(rewrite, path=path, service={"middleware": middleware})
    assert in_memory.get("known") == "to callers"


async def test_whoever_has_kept_the_object(in_memory, mirrored):
    kept = caches["default"]
    assert await mirrored(lambda: (kept.get("known"), kept.set("known", 1))) == (None, True)
    assert in_memory.get("known") == "to callers"


class LaterCache(LocMemCache):
    """Defined after the caches are shielded, with a method of its own."""

    def get(self, key, *args, **kwargs):
        return super().get(key, *args, **kwargs)


async def test_a_class_that_is_defined_later_is_shielded_too(in_memory, mirrored):
    await mirrored(lambda: None)

    class EvenLater(LaterCache):
        def set(self, *args, **kwargs):
            return super().set(*args, **kwargs)

    later = EvenLater("later", {})
    later.set("known", "to callers")
    assert await mirrored(lambda: (later.get("known"), later.set("known", "no"))) == (None, True)
    assert later.get("known") == "to callers"


async def test_two_caches_are_two_for_a_mirror_as_well(in_memory, settings, mirrored):
    settings.CACHES = settings.CACHES | {"other": BACKENDS["memory"] | {"LOCATION": "other"}}

    def act():
        caches["default"].set("key", "default")
        caches["other"].set("key", "other")
        return caches["default"].get("key"), caches["other"].get("key")

    assert await mirrored(act) == ("default", "other")


async def test_one_mirror_finds_nothing_of_another(in_memory, mirrored):
    def act():
        found = cache.get("seen")
        cache.set("seen", True)
        return found

    assert [await mirrored(act), await mirrored(act)] == [None, None]


async def test_what_a_mirror_may_read_it_reads_and_does_not_write(in_memory, mirrored):
    def act():
        found = cache.get("known")
        cache.set("known", "to a mirror")
        return found

    assert await mirrored(act, mirror={"readable_caches": ["default"]}) == "to callers"
    assert in_memory.get("known") == "to callers"


async def test_statements_are_not_compared_where_a_cache_was_cold(in_memory, mirrored, mirrors):
    """A caller found them in the cache; that a mirror asks the database instead says nothing of its side."""
    from django.contrib.auth.models import Group

    def act():
        return cache.get_or_set("groups", Group.objects.count)

    await mirrored(act)
    [app] = mirrored.gateways
    assert not [group for group in app.difference_log.drain().groups if group.kind.startswith("sql")]


# -- what django-redis adds ---------------------------------------------------------------------


@pytest.fixture
def redis(settings, tmp_path):
    use(settings, tmp_path, "django-redis")
    cache.set("known", "to callers", 60)
    yield cache
    cache.clear()


async def test_locks_patterns_and_times_of_django_redis_are_private(redis, mirrored):
    def act():
        cache.set("a:1", 1, 60)
        with cache.lock("known-lock", timeout=5):
            found = sorted(cache.keys("*")), [*cache.iter_keys("a:*")], cache.ttl("a:1") > 50, cache.ttl("known")
        return found, cache.delete_pattern("*")

    assert await mirrored(act) == ((["a:1"], ["a:1"], True, 0), 1)
    assert (redis.keys("*"), redis.ttl("known") > 50) == (["known"], True)


def raw_client():
    from django_redis import get_redis_connection

    get_redis_connection("default").flushdb()


REFUSED = {
    "a raw client": (raw_client, "'client' of CACHES['default']"),
    "a set": (lambda: cache.sadd("set", 1), "'sadd' of CACHES['default']"),
    "a hash": (lambda: cache.hset("hash", "field", 1), "'hset' of CACHES['default']"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_has_no_stand_in_is_refused_and_said(redis, mirrored, mirrors, caplog, what):
    act, said = REFUSED[what]
    with caplog.at_level(logging.WARNING, "gateway.parity"):
        await mirrored(act)
    assert (mirrors().dropped, mirrors().compared) == ({"unshielded": 1}, 0)
    assert said in caplog.text
    assert redis.keys("*") == ["known"]


async def test_a_refusal_holds_though_the_view_catches_it(redis, mirrored, mirrors):
    def act():
        try:
            raw_client()
        except NotShielded:
            return "caught"

    assert await mirrored(act) == "caught"
    assert mirrors().dropped == {"unshielded": 1}


def test_callers_are_served_as_ever(shared):
    found, _ = rewrite()
    assert found == ("to callers", {"known": "to callers", "counter": 5}, True, True)
    assert shared.get("known") is None


class Pooled(LocMemCache):
    """Lets go of a connection at the end of a request, as django-redis may."""

    @property
    def client(self):
        return "a connection"

    def close(self, **_):
        self.closed = self.client


def test_a_mirror_ends_as_its_caller_does():
    shield()
    pooled = Pooled("pooled", {})
    with mirror_scope(MirrorScope()) as mirror:
        pooled.close()
    assert (pooled.closed, mirror.refusal) == ("a connection", None)
