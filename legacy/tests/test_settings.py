"""What the environment may say."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from legacy.settings import database, env_bool, env_list


def test_without_a_url_the_database_is_a_file() -> None:
    assert database("", Path("shop.sqlite3"))["NAME"] == Path("shop.sqlite3")


def test_a_url_means_postgresql() -> None:
    assert database("postgresql://ann:p%40ss@db:5433/shop", Path()) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "ann",
        "PASSWORD": "p@ss",
        "HOST": "db",
        "PORT": 5433,
    }


def test_or_mariadb_where_it_says_so() -> None:
    assert database("mysql://root@db/shop", Path())["ENGINE"] == "django.db.backends.mysql"


@pytest.mark.parametrize("url", ["oracle://db/shop", "postgresql://db", "shop"])
def test_any_other_url_is_refused_with_the_expected_shape(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="expected postgresql://"):
        database(url, Path())


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("On", True), ("0", False), ("", False)])
def test_switches_are_read(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("SWITCH", value)
    assert env_bool("SWITCH", default=True) is expected


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTS", "a.example, b.example,")
    assert env_list("HOSTS") == ["a.example", "b.example"]
