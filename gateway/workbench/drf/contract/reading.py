"""Compares how both sides read a body: by the fields' declarations, and then with values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.files.base import File

from gateway.parity.severity import Severity
from gateway.wording import counted
from gateway.workbench.contract.budget import TrialBudget
from gateway.workbench.contract.result import Compared, ContractExample, ContractFinding, ContractReport, Unknown
from gateway.workbench.drf.contract.declared import CODES, DeclarationDifference, declared
from gateway.workbench.drf.contract.inputs import MISSING, candidates, generated
from gateway.workbench.drf.contract.pairs import Pair, pairs, usual_body, with_value
from gateway.workbench.drf.contract.readers import LegacyReader, Reader, ReadOutcome, equal, texts
from gateway.workbench.drf.contract.search import smallest_difference

__all__ = ["BodySides", "compare_bodies"]

SHOWN = 3  # examples of one difference
ROUNDS = 4  # further differences of one field that are searched for
MOST = 120  # characters of an example
NOT_THERE = "does_not_exist"


@dataclass(slots=True)
class BodySides:
    """Both serializers and their readers. `hooked` is the view's with its own `validate…` methods, `legacy` without;
    `plain`: FastAPI's own route, whose errors have another form. `left_out` are checks that need rows."""

    hooked: Reader
    legacy: LegacyReader
    service: Reader
    fields: tuple[Any, Any]
    hooks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    plain: bool = False


@dataclass(slots=True)
class Seen:
    """The findings for one field."""

    differences: dict[tuple[str, str], list[ContractExample]] = field(default_factory=dict)
    hooked: dict[bool, ContractExample] = field(default_factory=dict)  # by whether the view's own code refuses it
    failed: dict[str, None] = field(default_factory=dict)
    rows: bool = False
    values: int = 0


def compare_bodies(sides: BodySides, budget: TrialBudget) -> Iterator[ContractReport]:
    """The differences in what both read."""
    whole = usual_body(*sides.fields, _accepts)
    total, names = 0, list[str]()
    for pair in pairs(*sides.fields):
        if pair.legacy is None or pair.legacy.read_only:
            yield from _only_service(pair)
            continue
        if pair.service is None:
            yield _only_legacy(pair)
            continue
        seen = _FieldTrial(sides, whole, pair, budget).run()
        total, names = total + seen.values, [*names, pair.name]
        yield from _reports(pair, seen)
    yield Compared("request", f"{counted(len(names), 'field')} ({', '.join(names) or 'none'}), {total:,} values")
    yield from (Unknown("request", what) for what in sides.left_out)
    if sides.hooks:
        names_of_hooks = ", ".join(dict.fromkeys(sides.hooks))
        yield Unknown(
            "request", f"what {names_of_hooks} refuses or changes beside that: the endpoint's own code has to"
        )


def _accepts(field: Any, value: Any) -> bool:
    """Whether a field accepts `value`, as far as that is known."""
    try:
        field.run_validation(value)
    except Exception:  # noqa: BLE001 - refused, or the project's own code
        return False
    return True


def _only_service(pair: Pair) -> Iterator[ContractReport]:
    """A field that the view doesn't read."""
    name = pair.name
    if pair.service.read_only:
        return
    if pair.legacy is not None:
        yield ContractFinding(
            Severity.BREAKING,
            "request",
            f"{name}: read-only in legacy, and the service takes it from callers",
            name,
            "read-only",
            "written",
        )
    elif pair.service.required:
        yield ContractFinding(
            Severity.BREAKING,
            "request",
            f"{name}: the service requires it, and legacy doesn't know it: every request of today is refused",
            name,
            "unknown",
            "required",
        )
    else:
        yield ContractFinding(
            Severity.WARNING, "request", f"{name}: the service takes it, which legacy ignores", name, "ignored", "taken"
        )


def _only_legacy(pair: Pair) -> ContractFinding:
    how = "required" if pair.legacy.required else "optional"
    message = f"{pair.name}: legacy reads it ({how}, {type(pair.legacy).__name__}), and the service ignores it"
    return ContractFinding(Severity.BREAKING, "request", message, pair.name, how, "ignored")


class _FieldTrial:
    """Tries many values of one field in an otherwise valid body."""

    def __init__(self, sides: BodySides, whole: Any, pair: Pair, budget: TrialBudget) -> None:
        self._sides = sides
        self._whole = whole
        self._pair = pair
        self._budget = budget
        self.seen = Seen()

    def run(self) -> Seen:
        """First values that are known to show differences, then generated ones, reduced to the smallest."""
        for value in candidates(self._pair.legacy, self._pair.service):
            if (found := self._differs(value)) is not None:
                examples = self.seen.differences.setdefault(found[0], [])
                examples.append(found[1])
        for _ in range(ROUNDS):
            if (found := self._sought()) is None:
                break
            self.seen.differences[found[0]] = [found[1]]
        return self.seen

    def _sought(self) -> tuple[tuple[str, str], ContractExample] | None:
        """The smallest value with a difference that is not known yet."""
        values, known = generated(self._pair.legacy, self._pair.service), self.seen.differences
        budget = self._budget
        return smallest_difference(values, self._differs, known, count=budget.examples, seed=budget.seed)

    def _differs(self, value: Any) -> tuple[tuple[str, str], ContractExample] | None:
        """How the sides differ for `value`: the kind, and the error's code; None if they don't."""
        place = self._pair.place
        body = with_value(self._whole, place, value)
        sides = self._sides
        before, hooked, after = (one.read(body, place) for one in (sides.legacy, sides.hooked, sides.service))
        self.seen.values += 1
        for outcome in (before, after):
            if outcome.failed:
                self.seen.failed[outcome.failed] = None
                return None
        if not hooked.failed and _way(hooked, after, plain=sides.plain) is None:
            return None
        way = _way(before, after, plain=sides.plain)
        example = ContractExample(_json(value), str(before), str(after))
        if way is None:
            if not hooked.failed:
                self.seen.hooked.setdefault(hooked.refused, ContractExample(_json(value), str(hooked), str(after)))
            return None
        if NOT_THERE in (before.code, after.code) and way[0] != "words":
            self.seen.rows = True
            return None
        return way, example


def _way(before: ReadOutcome, after: ReadOutcome, *, plain: bool) -> tuple[str, str] | None:
    """The kind of difference between two results, and the error's code."""
    if before.refused and after.refused:
        ours, theirs = texts(before.errors), texts(after.errors)
        if plain or ours == theirs:
            return None
        return ("words" if _shape(ours) == _shape(theirs) else "shape"), before.code
    if before.refused:
        return "accepts", before.code
    if after.refused:
        return "refuses", after.code
    return None if equal(before.value, after.value) else ("value", "")


def _shape(errors: Any) -> Any:
    if isinstance(errors, dict):
        return {name: _shape(one) for name, one in errors.items()}
    return [_shape(errors[0])] if isinstance(errors, list) and errors else type(errors)


def _json(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    text = f"a file {value.name}" if isinstance(value, File) else json.dumps(value, ensure_ascii=True, default=str)
    return (
        text if len(text) <= MOST else f"{text[:40]}… ({len(value) if hasattr(value, '__len__') else len(text)} long)"
    )


# Kind of difference: severity, and message.
WAYS = {
    "accepts": (Severity.BREAKING, "the service takes what legacy refuses"),
    "refuses": (Severity.BREAKING, "the service refuses what legacy takes"),
    "value": (Severity.BREAKING, "the service reads something else"),
    "shape": (Severity.BREAKING, "both refuse it, with errors of another shape"),
    "words": (Severity.WARNING, "both refuse it, in other words"),
}


def _reports(pair: Pair, seen: Seen) -> Iterator[ContractReport]:
    differences = list(declared(pair.legacy, pair.service))
    explained: set[DeclarationDifference] = set()
    codes = {code for way, code in seen.differences if way in ("accepts", "refuses")}
    for (way, code), examples in seen.differences.items():
        if way == "words" and code in codes:
            continue  # follows from a limit that was already reported
        why = [one for one in differences if one.attribute == CODES.get(code, code)] or differences
        explained |= {*why}
        severity, says = WAYS[way]
        yield ContractFinding(
            severity,
            "request",
            f"{pair.name}: {says}{_by(code, why)}",
            pair.name,
            "; ".join(f"{one.attribute} {one.legacy}" for one in why),
            "; ".join(f"{one.attribute} {one.service}" for one in why),
            tuple(examples[:SHOWN]),
        )
    yield from (_undecided(pair, one) for one in differences if one not in explained)
    yield from _not_told(pair, seen)


def _by(code: str, why: list[DeclarationDifference]) -> str:
    reasons = ", ".join(f"{one.attribute} is {one.legacy} in legacy and {one.service} in the service" for one in why)
    return f" ({code or 'value'}{': ' + reasons if reasons else ''})"


def _undecided(pair: Pair, one: DeclarationDifference) -> ContractFinding:
    message = (
        f"{pair.name}: {one.attribute} is {one.legacy} in legacy and {one.service} in the service; no value shows it"
    )
    return ContractFinding(Severity.NOTE, "request", message, pair.name, one.legacy, one.service)


def _not_told(pair: Pair, seen: Seen) -> Iterator[Unknown]:
    if seen.rows:
        yield Unknown("request", f"whether {pair.name} is there")
    for why in seen.failed:
        yield Unknown("request", f"some values of {pair.name}: {why}")
    for refused, one in seen.hooked.items():
        does = "refuses" if refused else "changes"
        yield Unknown(
            "request", f"{pair.name}: the view's own code {does} {one.value}: {one.legacy}; the endpoint's has to"
        )
