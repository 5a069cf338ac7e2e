"""The lowest versions that pyproject.toml says the gateway runs with, as pip takes them: `make test-lowest`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

__all__ = ["floors"]

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
_requirement = re.compile(r"(?P<name>[\w.-]+)>=(?P<floor>[\d.]+)[^;]*(?P<marker>;.*)?")


def floors(pyproject: str) -> list[str]:
    """Each dependency of the project and of its extra `drf`, at its lowest version."""
    project = tomllib.loads(pyproject)["project"]
    requirements = [*project["dependencies"], *project["optional-dependencies"]["drf"]]
    found = [_requirement.fullmatch(requirement) for requirement in requirements]
    return [f"{match['name']}=={match['floor']}{match['marker'] or ''}" for match in found if match is not None]


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in floors(PYPROJECT.read_text()))
