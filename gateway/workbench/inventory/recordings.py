"""How many requests of each endpoint were recorded, and can be replayed after a move."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from gateway.workbench.corpus import read_corpus
from gateway.workbench.inventory.endpoint import Endpoint

__all__ = ["RecordedCases", "recordings_in"]

_parameter = re.compile(r"{[^}]*}")


class RecordedCases:
    """The number of recorded cases by endpoint, with any names of parameters."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts

    def of(self, endpoint: Endpoint) -> int:
        """How many different requests of `endpoint` were recorded."""
        return self._counts[_parameter.sub("{}", str(endpoint))]


def recordings_in(path: Path) -> RecordedCases:
    """The recordings in a corpus. Raises UnreadableCorpus, and OSError."""
    return RecordedCases(Counter(_parameter.sub("{}", case.endpoint) for case in read_corpus(path)))
