"""Compares the versions in a project's own files with those that the gateway requires.

Nothing is imported, installed or resolved: files are read. So a conflict that is found is certain; that there is none
is certain only after pip has resolved the requirements.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import metadata, requires
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

__all__ = ["NAMES", "Demand", "at_least", "demands", "needs", "too_old"]

NAMES = {"python": "Python", "django": "Django", "djangorestframework": "Django REST framework"}
PLAIN = ("requirements*.txt", "requirements*.in", "constraints*.txt", "requirements/*.txt", "requirements/*.in")
LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml")
_EXACT = re.compile(r"\d+(\.\d+)*$")


@dataclass(frozen=True, slots=True)
class Demand:
    """The file `where` requires `name` in `versions`, as written there."""

    where: str
    name: str
    versions: str

    def __str__(self) -> str:
        return f"{self.where}: {NAMES[self.name]} {self.versions}"


def needs() -> dict[str, SpecifierSet]:
    """What the gateway requires, from its own metadata."""
    found = {"python": SpecifierSet(metadata("django-fastapi-gateway")["Requires-Python"])}
    for line in requires("django-fastapi-gateway") or ():
        requirement = Requirement(line)
        if requirement.name in NAMES:
            found[requirement.name] = requirement.specifier
    return found


def at_least() -> dict[str, str]:
    """The oldest version of each requirement with which the gateway runs."""
    return {name: spec.version for name, specs in needs().items() for spec in specs if spec.operator == ">="}


def too_old(folder: Path) -> list[Demand]:
    """The requirements of the project in `folder` that no version fulfils with which the gateway runs."""
    needed = needs()
    return [demand for demand in demands(folder) if not _possible(demand.versions, needed[demand.name])]


def demands(folder: Path) -> list[Demand]:
    """All requirements of Python, Django and DRF in files of `folder`, and above it in the same repository."""
    folder = folder.resolve()
    folders = (
        [folder] if (folder / ".git").exists() or not (folder.parent / ".git").exists() else [folder, folder.parent]
    )
    found = []
    for here in folders:
        found += [
            Demand(f"{path.relative_to(folders[-1])}{place}", canonicalize_name(name), versions.strip())
            for path, read in _readable(here)
            for place, name, versions in _told(path, read)
            if canonicalize_name(name) in NAMES
        ]
    return list(dict.fromkeys(found))


Said = Iterator[tuple[str, str, str]]  # place in the file, name, versions


def _readable(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Each file with requirements, and the function that reads its text."""
    for pattern in PLAIN:
        yield from ((path, _of_lines) for path in sorted(folder.glob(pattern)))
    readers = {"pyproject.toml": _of_pyproject, "Pipfile": _of_pipfile, "Pipfile.lock": _of_pipfile_lock}
    readers |= dict.fromkeys(LOCKS, _of_lock)
    readers |= {"setup.cfg": _of_setup, ".python-version": _of_python_version, "runtime.txt": _of_python_version}
    readers |= {"Dockerfile": _of_dockerfile}
    yield from ((folder / name, read) for name, read in readers.items() if (folder / name).is_file())


def _told(path: Path, read: Any) -> list[tuple[str, str, str]]:
    """The requirements in a file; empty if it is invalid, which is for its own tools to report."""
    with suppress(OSError, ValueError, TypeError, AttributeError, ConfigParserError):
        return list(read(path.read_text("utf-8")))
    return []


def _possible(versions: str, needed: SpecifierSet) -> bool:
    """Whether `versions` allow a version with which the gateway runs."""
    try:
        allowed = SpecifierSet(_as_pep440(versions))
    except InvalidSpecifier:
        return True  # a URL, for instance
    return any(allowed.contains(version) for version in _versions(needed))


def _versions(needed: SpecifierSet) -> Iterator[str]:
    """Existing and possible versions (the patches of each feature release) with which the gateway runs."""
    for major in (3, 4, 5, 6, 7):
        for minor in range(40):
            found = (f"{major}.{minor}.{patch}" for patch in range(60))
            yield from (version for version in found if needed.contains(version))


def _as_pep440(versions: str) -> str:
    """Poetry's ^ and ~ and plain numbers, in the form of https://peps.python.org/pep-0440/."""
    return ",".join(_one_as_pep440(part.strip()) for part in versions.split(",") if part.strip() not in ("", "*"))


def _one_as_pep440(part: str) -> str:
    numbers = re.findall(r"\d+", part)
    if part.startswith("^"):
        return f">={part[1:]},<{int(numbers[0]) + 1}"
    if part.startswith("~") and not part.startswith("~="):
        upper = f"{numbers[0]}.{int(numbers[1]) + 1}" if len(numbers) > 1 else str(int(numbers[0]) + 1)
        return f">={part[1:]},<{upper}"
    if _EXACT.match(part):
        return f"=={part}" if len(numbers) > 2 else f"=={part}.*"
    return part


# -- readers ------------------------------------------------------------------------------------------


def _of_requirements(lines: Iterable[str], place: str) -> Said:
    for line in lines:
        with suppress(InvalidRequirement):
            requirement = Requirement(line)
            yield place, requirement.name, str(requirement.specifier)


def _of_lines(text: str) -> Said:
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.split(r"\s+#|\s+--|\s*\\$", line.strip())[0]
        yield from _of_requirements([bare], f":{number}")


def _of_pyproject(text: str) -> Said:
    document = tomllib.loads(text)
    project = document.get("project", {})
    if wanted := project.get("requires-python"):
        yield " [project] requires-python", "python", wanted
    yield from _of_requirements(project.get("dependencies", ()), " [project] dependencies")
    for name, lines in project.get("optional-dependencies", {}).items():
        yield from _of_requirements(lines, f" [project.optional-dependencies] {name}")
    for name, lines in document.get("dependency-groups", {}).items():
        yield from _of_requirements((line for line in lines if isinstance(line, str)), f" [dependency-groups] {name}")
    poetry = document.get("tool", {}).get("poetry", {})
    yield from _of_table(poetry.get("dependencies", {}), " [tool.poetry.dependencies]")
    for name, group in poetry.get("group", {}).items():
        yield from _of_table(group.get("dependencies", {}), f" [tool.poetry.group.{name}.dependencies]")


def _of_table(table: Mapping[str, Any], place: str) -> Said:
    for name, value in table.items():
        version = value.get("version") if isinstance(value, dict) else value
        if isinstance(version, str):
            yield place, name, version


def _of_pipfile(text: str) -> Said:
    document = tomllib.loads(text)
    for table in ("packages", "dev-packages"):
        yield from _of_table(document.get(table, {}), f" [{table}]")
    for key in ("python_version", "python_full_version"):
        if version := document.get("requires", {}).get(key):
            yield f" [requires] {key}", "python", version


def _of_pipfile_lock(text: str) -> Said:
    yield from _of_table(json.loads(text).get("default", {}), " default")


def _of_lock(text: str) -> Said:
    document = tomllib.loads(text)
    for package in [*document.get("package", ()), *document.get("packages", ())]:
        if version := package.get("version"):
            yield "", package["name"], f"=={version}"


def _of_setup(text: str) -> Said:
    parser = ConfigParser()
    parser.read_string(text)
    yield from _of_requirements(
        parser.get("options", "install_requires", fallback="").splitlines(), " install_requires"
    )
    if wanted := parser.get("options", "python_requires", fallback=""):
        yield " python_requires", "python", wanted


def _of_python_version(text: str) -> Said:
    if found := re.match(r"(?:python-)?(\d+\.\d+(?:\.\d+)?)\s*$", text.strip()):
        yield "", "python", found[1]


def _of_dockerfile(text: str) -> Said:
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"\s*FROM\s+(?:\S+/)?python:(\d+\.\d+(?:\.\d+)?)", line, re.IGNORECASE):
            yield f":{number}", "python", found[1]
