"""Problems of a configuration, for messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from gateway.config.compare import problem as compare_problem
from gateway.wording import counted

__all__ = ["ConfigError", "Problem", "about_other_shape", "problem_of", "unreported"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a configuration: key, value, expected shape.

    `needs` are the other keys from which it follows: if one of them is wrong, this problem isn't certain.
    """

    key: str
    value: object
    expected: str
    needs: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {self.value!r}"
        return f"{self.key}{shown}: {self.expected}"


class ConfigError(Exception):
    """A configuration that can't be used. `problems` has all of them."""

    def __init__(self, problems: list[Problem], source: str = "the configuration") -> None:
        self.problems = problems
        self.source = source
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{source}: {counted(len(problems), 'problem')}\n{lines}")


_indices = re.compile(r"\[.*?\]")


def unreported(found: Iterable[Problem], problems: Sequence[Problem]) -> list[Problem]:
    """Those of `found` that don't follow from one of `problems`: the right value of a wrong key is unknown, and so are
    the problems that it would have caused."""
    keys = {problem.key for problem in problems}
    whole = {problem.key for problem in problems if problem.expected.startswith(("a table", "missing"))}
    return [
        problem
        for problem in found
        if keys.isdisjoint((problem.key, *problem.needs)) and whole.isdisjoint(_tables(problem.key, *problem.needs))
    ]


def _tables(*keys: str) -> Iterator[str]:
    """The tables that contain `keys`."""
    return (key.rpartition(".")[0] for key in keys)


def about_other_shape(error: Any) -> bool:
    """For a table that may also be `false`, Pydantic also reports that it isn't false."""
    return error["type"] == "literal_error" and isinstance(error["input"], dict)


def problem_of(model: type[BaseModel], key: str, error: Any) -> Problem:
    """One of Pydantic's errors as a Problem: the dotted key, the value, the expected shape."""
    if error["loc"][:1] == ("compare",) and len(error["loc"]) > 1:
        return Problem(*compare_problem(f"{key}.compare", {**error, "loc": error["loc"][1:]}))
    path, section, name = _located(model, key, error["loc"])
    if error["type"] == "extra_forbidden":
        expected = f"unknown key; known are {', '.join(section.model_fields)}"
        return Problem(f"{path}.{error['loc'][-1]}", error["input"], expected)
    if name is None and path != key and error["type"] != "value_error":
        return Problem(path, error["input"], f"a table: [{_indices.sub('', path)}]")
    if name is None:
        return Problem(path, None, error["msg"].removeprefix("Value error, "))
    if error["type"] == "missing":
        return Problem(path, None, "missing")
    if error["type"] == "value_error":
        return Problem(path, error["input"], error["msg"].removeprefix("Value error, "))
    return Problem(path, error["input"], _expected(section, name, error))


def _located(model: type[BaseModel], key: str, location: Iterable[object]) -> tuple[str, type[BaseModel], str | None]:
    """The dotted key at `location` below `key`, its section, and its name there, if it has one."""
    name: str | None = None
    for part in location:
        inner = _nested(model, name) if name is not None else None
        section = inner or model
        if not isinstance(part, str) or part not in section.model_fields:
            continue  # an index, the branch of a union, an unknown key
        model, key, name = section, f"{key}.{part}", part
    if name is not None and (inner := _nested(model, name)) is not None:
        return key, inner, None  # the table as a whole, or an unknown key in it
    return key, model, name


def _nested(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The section that the key `name` of `model` may contain."""
    annotation = model.model_fields[name].annotation
    candidates = (annotation, *get_args(annotation))
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _expected(model: type[BaseModel], name: str, error: Any) -> str:
    described = model.model_fields[name].description
    kind: str = error["msg"][0].lower() + error["msg"][1:]
    if described and (error["type"] == "string_pattern_mismatch" or "literal" in error["type"]):
        return described
    return f"{kind} ({described})" if described else kind
