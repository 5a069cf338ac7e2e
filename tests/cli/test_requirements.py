"""What `gateway init` reads in a project's own files of the versions that it runs on."""

import pytest

from gateway.cli.requirements import Demand, needs, too_old

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n'

TOO_OLD = {
    "a pin": ("requirements.txt", "# web\nDjango==4.2.11  # LTS\n", ":2: Django ==4.2.11"),
    "a pin with hashes": ("requirements.txt", "django==4.2.11 \\\n    --hash=sha256:ab\n", ":1: Django ==4.2.11"),
    "a marker": ("requirements.txt", 'django>=3.2,<5 ; python_version < "4"\n', ":1: Django <5,>=3.2"),
    "a range": ("requirements/base.in", "django>=4.2,<5.0\n", ":1: Django <5.0,>=4.2"),
    "a patch that is too old": ("requirements-dev.txt", "django==5.2.3\n", ":1: Django ==5.2.3"),
    "a compatible release": ("constraints.txt", "django~=5.1.0\n", ":1: Django ~=5.1.0"),
    "REST framework": (
        "requirements.txt",
        "djangorestframework==3.14.0\n",
        ":1: Django REST framework ==3.14.0",
    ),
    "a project": (
        "pyproject.toml",
        '[project]\ndependencies = ["Django<5"]\n',
        " [project] dependencies: Django <5",
    ),
    "its Python": (
        "pyproject.toml",
        '[project]\nrequires-python = ">=3.8,<3.11"\n',
        " [project] requires-python: Python >=3.8,<3.11",
    ),
    "an extra": (
        "pyproject.toml",
        '[project.optional-dependencies]\nweb = ["django==4.2"]\n',
        " [project.optional-dependencies] web: Django ==4.2",
    ),
    "a group": (
        "pyproject.toml",
        '[dependency-groups]\nweb = ["django==4.2", {include-group = "x"}]\n',
        " [dependency-groups] web: Django ==4.2",
    ),
    "Poetry": (
        "pyproject.toml",
        '[tool.poetry.dependencies]\npython = "^3.11"\ndjango = "^4.2"\n',
        " [tool.poetry.dependencies]: Django ^4.2",
    ),
    "Poetry, a table": (
        "pyproject.toml",
        '[tool.poetry.dependencies]\ndjango = {version = "~4.2", extras = ["argon2"]}\n',
        " [tool.poetry.dependencies]: Django ~4.2",
    ),
    "Poetry, a group": (
        "pyproject.toml",
        '[tool.poetry.group.web.dependencies]\nshop = {path = "shop"}\ndjango = "^4.2"\n',
        " [tool.poetry.group.web.dependencies]: Django ^4.2",
    ),
    "Poetry's lock": ("poetry.lock", '[[package]]\nname = "django"\nversion = "4.2.11"\n', ": Django ==4.2.11"),
    "uv's lock": ("uv.lock", 'version = 1\n[[package]]\nname = "django"\nversion = "5.1.4"\n', ": Django ==5.1.4"),
    "a standard lock": ("pylock.toml", '[[packages]]\nname = "Django"\nversion = "5.1.4"\n', ": Django ==5.1.4"),
    "a Pipfile": ("Pipfile", '[packages]\ndjango = "==4.2.*"\n', " [packages]: Django ==4.2.*"),
    "a Pipfile's Python": (
        "Pipfile",
        '[requires]\npython_version = "3.9"\n',
        " [requires] python_version: Python 3.9",
    ),
    "Pipfile.lock": ("Pipfile.lock", '{"default": {"django": {"version": "==4.2.1"}}}', " default: Django ==4.2.1"),
    "setup.cfg": (
        "setup.cfg",
        "[options]\ninstall_requires =\n    django<5\n",
        " install_requires: Django <5",
    ),
    "setup.cfg's Python": (
        "setup.cfg",
        "[options]\npython_requires = >=3.8,<3.11\n",
        " python_requires: Python >=3.8,<3.11",
    ),
    "pyenv": (".python-version", "3.9.18\n", ": Python 3.9.18"),
    "Heroku": ("runtime.txt", "python-3.10.4\n", ": Python 3.10.4"),
    "Docker": ("Dockerfile", "FROM docker.io/python:3.9-slim AS build\n", ":1: Python 3.9"),
}
FINE = {
    "no version": ("requirements.txt", "django\n"),
    "from a version on": ("requirements.txt", "django>=4.2\n"),
    "the series": ("requirements.txt", "django~=5.2.0\n"),
    "a pin": ("requirements.txt", "django==6.0.5\n"),
    "a URL": ("requirements.txt", "django @ https://example.com/django.tar.gz\n-r base.txt\n"),
    "Poetry": ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.9"\ndjango = "^5.2"\n'),
    "Poetry, any": ("pyproject.toml", '[tool.poetry.dependencies]\ndjango = "*"\n'),
    "Poetry, what is no version": ("pyproject.toml", '[tool.poetry.dependencies]\ndjango = "latest"\n'),
    "uv's lock, what is built here": ("uv.lock", '[[package]]\nname = "django"\nsource = {editable = "."}\n'),
    "pyenv, another interpreter": (".python-version", "pypy3.9-7.3.11\n"),
    "Docker": ("Dockerfile", "FROM python:3.13\nFROM node:20\n"),
    "what is no TOML": ("pyproject.toml", "<<<<<<< HEAD\n"),
    "other packages": ("requirements.txt", "django-filter==1.0\n"),
}


@pytest.mark.long
@pytest.mark.parametrize("what", TOO_OLD)
def test_finds_what_is_too_old(tmp_path, what):
    name, text, expected = TOO_OLD[what]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert [str(demand) for demand in too_old(tmp_path)] == [name + expected]


@pytest.mark.parametrize("what", FINE)
def test_leaves_alone_what_allows_the_right_version(tmp_path, what):
    name, text = FINE[what]
    (tmp_path / name).write_text(text)
    assert too_old(tmp_path) == []


def test_looks_at_the_root_of_the_repository_too(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "site").mkdir()
    (tmp_path / "requirements.txt").write_text("django<5")
    assert too_old(tmp_path / "site") == [Demand("requirements.txt:1", "django", "<5")]


def test_needs_what_its_own_metadata_says():
    assert needs()["django"].contains("5.2.19")
    assert not needs()["django"].contains("6.0")


def test_init_writes_nothing_and_says_what_would_have_to_change(invoke, here):
    (here / "manage.py").write_text(MANAGE)
    (here / "requirements.txt").write_text("django==4.2.11\n")
    result = invoke("init")
    assert result.exit_code == 3
    assert "  - requirements.txt:1: Django ==4.2.11\n" in result.stderr
    assert "Nothing was written" in result.stderr
    assert not (here / "gateway.toml").exists()


def test_init_writes_it_all_the_same_when_forced(invoke, here):
    (here / "manage.py").write_text(MANAGE)
    (here / "requirements.txt").write_text("django==4.2.11\n")
    result = invoke("init", "--force")
    assert result.exit_code == 0
    assert "requirements.txt:1: Django ==4.2.11" in result.stderr
    assert (here / "gateway.toml").exists()
