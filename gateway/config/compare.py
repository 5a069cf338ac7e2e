"""`[routes.compare]`: what may differ between legacy's response and a service's, and what must not be stored."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.parity.pointer import PATTERN, PLACE, is_pattern
from gateway.parity.rules import Accepted, ByPattern, CompareRules, Severities, ValueClass
from gateway.parity.severity import KINDS, Severity

__all__ = ["AcceptedConfig", "CompareConfig", "problem"]


TABLES = 'tables and columns, such as "audit_*" or "shop_order.updated_at"; "*" is all of them'


def _pattern(value: str) -> str:
    if not is_pattern(value):
        raise ValueError(PATTERN)
    return value


def _place(value: str) -> str:
    if (
        value not in ("status", "sql", "effects")
        and not value.startswith(("effects:", "header:", "html:", "row:"))
        and not is_pattern(value)
    ):
        raise ValueError(PLACE)
    return value.lower() if value.startswith("header:") and "set-cookie:" not in value else value


def _kind(value: str) -> str:
    if value != "*" and value not in KINDS:
        raise ValueError(f'"*" or one of {", ".join(KINDS)}')
    return value


def _kind_and_place(value: str) -> str:
    kind, _, place = value.partition(" ")
    if kind not in KINDS:
        raise ValueError(f'"KIND" or "KIND PLACE", where KIND is one of {", ".join(KINDS)}')
    return f"{kind} {_place(place.strip())}" if place else kind


def _severity(value: object) -> object:
    try:
        return Severity(value)
    except ValueError:
        raise ValueError(f"one of {', '.join(severity.value for severity in Severity)}") from None


def _table(value: str) -> str:
    if not value or "/" in value or ":" in value:
        raise ValueError(TABLES)
    return value


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _number(value: object) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _scalar(value: object) -> object:
    if value is not None and not isinstance(value, str | int):
        raise ValueError("a string, a whole number or a boolean")
    return value


Scalar: TypeAlias = Annotated[bool | int | str | None, BeforeValidator(_scalar)]
PlacePattern: TypeAlias = Annotated[str, AfterValidator(_pattern)]
PlacePatterns: TypeAlias = Annotated[tuple[PlacePattern, ...], BeforeValidator(_tuple)]
TablePatterns: TypeAlias = Annotated[tuple[Annotated[str, AfterValidator(_table)], ...], BeforeValidator(_tuple)]
Tolerance: TypeAlias = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]
HeaderName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]
HeaderNames: TypeAlias = Annotated[tuple[HeaderName, ...], BeforeValidator(_tuple)]
KindAndPlace: TypeAlias = Annotated[str, AfterValidator(_kind_and_place)]
SeverityName: TypeAlias = Annotated[Severity, BeforeValidator(_severity)]
Names: TypeAlias = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_tuple)]


class StrictTable(BaseModel):
    """As gateway.config.section.Section, which depends on this module."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AcceptedConfig(StrictTable):
    """`[[routes.compare.accepted]]`: a difference that is accepted until a date."""

    path: Annotated[str, AfterValidator(_place)] = Field(description=PLACE)
    kind: Annotated[str, AfterValidator(_kind)] = Field("*", description='a kind of difference, or "*"')
    reason: str = Field(min_length=1, description="why it is accepted")
    owner: str = Field(min_length=1, description="who is responsible for it")
    expires: date = Field(description="its last day, such as 2027-01-31")
    expected: Scalar = Field(None, description="only if legacy has this value")
    actual: Scalar = Field(None, description="only if the service has this value")

    def compiled(self) -> Accepted:
        """The same, in the form that comparisons use."""
        return Accepted(self.path, self.kind, self.reason, self.owner, self.expires, self.expected, self.actual)


class CompareConfig(StrictTable):
    """`[routes.compare]`. Its paths are patterns of JSON Pointers."""

    ignore: PlacePatterns = Field((), description=f"places of the body that are not compared: {PATTERN}")
    unordered: dict[PlacePattern, str] = Field(
        default_factory=dict,
        description='lists whose order is ignored: { "/results" = "id" }, or "*" if items have no key',
    )
    tolerance: Tolerance = Field(0.0, description="how far apart two numbers may be, such as 0.01")
    tolerances: dict[PlacePattern, Tolerance] = Field(
        default_factory=dict, description='the same for some places: { "/results/*/score" = 0.01 }'
    )
    classes: dict[PlacePattern, ValueClass] = Field(
        default_factory=dict,
        description='values that only have to be of the same class: { "/id" = "uuid" }, or timestamp, date, url, token',
    )
    headers: HeaderNames = Field((), description='headers of your own that are compared too, such as ["X-Total-Count"]')
    ignore_headers: HeaderNames = Field((), description='headers that are not compared, such as ["Cache-Control"]')
    sql: bool = Field(True, description="whether the SQL of both sides is compared")
    ignore_rows: TablePatterns = Field((), description=f"tables and columns that are not compared: {TABLES}")
    repeats: int = Field(5, ge=2, description="how often a statement may be repeated before it is called an N+1")
    more_statements: int = Field(
        0, ge=0, description="how many more statements than legacy the service may execute without a difference"
    )
    severity: dict[KindAndPlace, SeverityName] = Field(
        default_factory=dict,
        description='severities of your own: { "extra" = "note", "primitive /results/*/score" = "warning" }',
    )
    redact_names: Names = Field((), description="names of fields, parameters and headers whose values are never stored")
    redact_paths: PlacePatterns = Field((), description=f"places of the body whose values are never stored: {PATTERN}")
    max_differences: int = Field(50, ge=1, le=1000, description="how many differences of one answer are kept")
    accepted: Annotated[tuple[AcceptedConfig, ...], BeforeValidator(_tuple)] = Field(
        (), description="a list of tables: [[routes.compare.accepted]]"
    )

    @model_validator(mode="after")
    def _each_once(self) -> CompareConfig:
        keys = [(entry.path, entry.kind, entry.expected, entry.actual) for entry in self.accepted]
        if len(set(map(repr, keys))) < len(keys):
            raise ValueError("accepted has two entries with the same path, kind, expected and actual")
        return self

    def compiled(self, today: date) -> CompareRules:
        """The rules in force on `today`. Accepted differences expire, so compile them again on another day."""
        accepted = tuple(entry.compiled() for entry in self.accepted)
        return CompareRules(
            ignore=self.ignore,
            unordered=ByPattern(self.unordered),
            tolerance=Decimal(repr(self.tolerance)),
            tolerances=ByPattern({path: Decimal(repr(value)) for path, value in self.tolerances.items()}),
            classes=ByPattern(self.classes),
            headers=frozenset(map(str.lower, self.headers)),
            ignore_headers=frozenset(map(str.lower, self.ignore_headers)),
            sql=self.sql,
            ignored_rows=self.ignore_rows,
            repeats=self.repeats,
            more_statements=self.more_statements,
            severities=Severities(self.severity),
            accepted=accepted,
            in_force=tuple(entry for entry in accepted if not entry.expired(today)),
            redact_names=frozenset(self.redact_names),
            redact_paths=self.redact_paths,
            max_differences=self.max_differences,
        )


def problem(key: str, error: Any) -> tuple[str, object, str]:
    """One of Pydantic's errors about a CompareConfig in gateway.config's form: dotted key, value, expected shape.

    `key` is that of the table ("routes[catalog].compare"); `error` is an entry of `ValidationError.errors()` with its
    `loc` relative to the table.
    """
    model: type[StrictTable] = CompareConfig
    described: str | None = None
    path = key
    for part in error["loc"]:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part in model.model_fields:
            path += f".{part}"
            described = model.model_fields[part].description
            model = AcceptedConfig if part == "accepted" else model
        elif error["type"] == "extra_forbidden":
            return f"{path}.{part}", error["input"], f"unknown key; known are {', '.join(model.model_fields)}"
        elif part != "[key]":
            path += f'."{part}"' if model is CompareConfig else ""
    return path, *_expected(error, described)


def _expected(error: Any, described: str | None) -> tuple[object, str]:
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "missing":
        return None, "missing"
    if error["type"] == "value_error":
        return None if isinstance(error["input"], dict) else error["input"], message
    if described and (error["type"] == "string_pattern_mismatch" or "literal" in error["type"]):
        return error["input"], described
    message = message[0].lower() + message[1:]
    return error["input"], f"{message} ({described})" if described else message
