"""Finds and reads gateway.toml."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from gateway.config.parse import Config, parse
from gateway.config.problems import ConfigError, Problem

__all__ = ["ENVIRONMENT", "FILE_NAME", "find", "find_or_fail", "load", "read"]


ENVIRONMENT = "GATEWAY_CONFIG"

FILE_NAME = "gateway.toml"


def find(start: Path | None = None) -> Path | None:
    """The file to use: `GATEWAY_CONFIG`, else gateway.toml, else pyproject.toml with [tool.gateway]; None if there is
    none."""
    if named := os.environ.get(ENVIRONMENT):
        return Path(named)
    folder = start or Path.cwd()
    if (folder / FILE_NAME).is_file():
        return folder / FILE_NAME
    project = folder / "pyproject.toml"
    if project.is_file():
        try:
            if "gateway" in tomllib.loads(project.read_text("utf-8")).get("tool", {}):
                return project
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            return None
    return None


def read(path: Path) -> dict[str, Any]:
    """The raw tables of a file. Raises ConfigError when there is no such file or it isn't TOML."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise ConfigError([Problem(str(path), None, f"can't be read: {exc.strerror}")], str(path)) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError([Problem(str(path), None, f"isn't valid TOML: {exc}")], str(path)) from exc
    if path.name == "pyproject.toml":
        tools = document.get("tool")
        table = tools.get("gateway") if isinstance(tools, dict) else None
        if table is None:
            raise ConfigError([Problem("tool.gateway", None, "missing; add a [tool.gateway] table")], str(path))
        if not isinstance(table, dict):
            raise ConfigError([Problem("tool.gateway", table, "a table")], str(path))
        return table
    return document


def find_or_fail(start: Path | None = None) -> Path:
    """As `find`, but raises ConfigError if there is no file."""
    path = find(start)
    if path is None:
        expected = "not found here; `gateway init` writes one, --config or GATEWAY_CONFIG names another"
        raise ConfigError([Problem(FILE_NAME, None, expected)])
    return path


def load(path: Path | None = None) -> Config:
    """The configuration in `path` (default: the file that `find` finds). Raises ConfigError with every problem."""
    path = path or find_or_fail()
    config, problems = parse(read(path), str(path))
    if problems:
        raise ConfigError(problems, str(path))
    return config
