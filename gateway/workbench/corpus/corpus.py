"""All cases of a recording, and their origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.workbench.corpus.case import Case

__all__ = ["VERSION", "About", "Corpus"]

VERSION = 1  # of the format: incremented when older readers would misunderstand a file


@dataclass(frozen=True, slots=True)
class About:
    """The first line of a file, about the recording.

    `redacted`: secrets and personal data were replaced by pseudonyms. `source` is where the cases come from. `requests`
    is the number of requests that were seen.
    """

    recorded: AwareDatetime | None = None
    who: str = ""
    source: Literal["traffic", "har", "generated"] = "traffic"
    redacted: bool = True
    routes: tuple[str, ...] = ()
    requests: Annotated[int, Field(ge=0)] = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Cases, in the order of recording."""

    cases: tuple[Case, ...] = ()
    about: About = field(default_factory=About)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def __len__(self) -> int:
        return len(self.cases)

    def only(self, wanted: Callable[[Case], bool]) -> Corpus:
        """A corpus with the cases that are `wanted`."""
        return replace(self, cases=tuple(filter(wanted, self.cases)))
