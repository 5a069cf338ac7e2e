"""The clock and all that is random, in a process that is pinned: the same for each side."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.server import environment

pytestmark = pytest.mark.long

SCRIPT = """
import json, os, random, secrets, uuid
from datetime import datetime, UTC
import django
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, USE_TZ=True)
django.setup()
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import get_random_string
from gateway.workbench.replay.pins import Pins

pins = Pins(1_700_000_000.5)
pins.start()

def asked(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]

def all():
    pins.again("case")
    return {
        "time": datetime.now(UTC).isoformat(), "timezone": timezone.now().isoformat(),
        "random": random.random(), "randint": random.randint(0, 10**9), "uuid4": str(uuid.uuid4()),
        "secrets": secrets.token_hex(), "urandom": os.urandom(7).hex(), "string": get_random_string(12),
        "word": asked("SELECT CURRENT_TIMESTAMP"), "now": asked("SELECT " + Now().as_sqlite(None, connection)[0] % ()),
        "datetime": asked("SELECT datetime('now', '+1 day')"), "of a value": asked("SELECT date('2020-02-03')"),
        "without a time": [asked("SELECT datetime()"), asked("SELECT strftime('%Y')")],
    }

first, second = all(), all()
pins.again("other")
print(json.dumps([first, second, str(uuid.uuid4())]))
"""


@pytest.fixture(scope="module")
def drawn() -> list:
    """All of it twice, and an identifier for another case."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_both_sides_get_the_same(drawn):
    first, second, _ = drawn
    assert first == second


def test_another_case_gets_others(drawn):
    first, _, other = drawn
    assert first["uuid4"] != other


def test_the_clock_stands_where_it_was_pinned_in_the_database_too(drawn):
    first, _, _ = drawn
    assert first["time"] == first["timezone"] == "2023-11-14T22:13:20.500000+00:00"
    assert (first["word"], first["now"]) == ("2023-11-14 22:13:20", "2023-11-14 22:13:20.500")
    assert (first["datetime"], first["of a value"]) == ("2023-11-15 22:13:20", "2020-02-03")
    assert first["without a time"] == ["2023-11-14 22:13:20", "2023"]
