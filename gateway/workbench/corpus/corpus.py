"""All cases of a recording, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.workbench.corpus.case import Case

__all__ = ["VERSION", "About", "Corpus"]

VERSION = 1  # of the format: counted up when a reader of this one would misunderstand another


@dataclass(frozen=True, slots=True)
class About:
    """What the first line of a file says of the recording.

    `redacted`: what is secret or personal was replaced by pseudonyms. `source` is what it was made of. `requests` are
    those that were seen.
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
    """Cases, in the order in which they were recorded."""

    cases: tuple[Case, ...] = ()
    about: About = field(default_factory=About)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def __len__(self) -> int:
        return len(self.cases)

    def only(self, wanted: Callable[[Case], bool]) -> Corpus:
        """The cases that are `wanted`."""
        return replace(self, cases=tuple(filter(wanted, self.cases)))
