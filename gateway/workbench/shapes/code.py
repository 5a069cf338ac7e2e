"""Documents about written and deleted code: `gateway scaffold` and `retire`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.workbench.shapes.configuration import KeptUrl
from gateway.workbench.shapes.envelope import Count, Envelope, Shape, Use

__all__ = [
    "ChangedFile",
    "GonePart",
    "KeptView",
    "RetireDocument",
    "ScaffoldDocument",
    "ScaffoldedFile",
]


class ScaffoldedFile(Shape):
    """A file that is written, or would be."""

    path: str
    kind: Literal["router", "application", "test", "configuration"]
    outcome: Literal["written", "unchanged", "kept", "planned"] = Field(
        description='"kept": another file of this name exists and is unchanged; "planned": with `--dry-run`'
    )
    text: str = Field(description="the whole file; of the configuration only what is added, since it may hold secrets")
    diff: str = Field(description="from the present content to `text`")


class ScaffoldDocument(Envelope):
    """`gateway scaffold`. Exit status 1 if an existing module or test was not overwritten."""

    endpoints: list[str]
    service: str
    route: str
    mode: Literal["lift", "rewrite"]
    files: list[ScaffoldedFile]
    todos: list[str] = Field(description="what could not be translated: each a NotImplementedError in the text")
    notes: list[str]
    steps: list[str] = Field(description="what to do next")


class KeptView(Shape):
    """A view that stays, because something else leads to it."""

    view: str
    urls: list[KeptUrl]


class GonePart(Shape):
    """A definition, a URL or a test that is removed."""

    file: str
    line: Count
    what: str


class ChangedFile(Shape):
    """A file of the patch."""

    file: str
    deleted: bool


class RetireDocument(Envelope):
    """`gateway retire`. If it is refused, there is an `error` instead."""

    route: str
    written: bool = Field(description="whether the files were changed")
    views: list[str] = Field(description="views to delete")
    kept: list[KeptView] = Field(description="views that the route claims in part")
    gone: list[GonePart]
    files: list[ChangedFile]
    noted: list[Use] = Field(description="paths in the code, which the service answers from now on")
    diff: str = Field(description="a unified diff, for `git apply`")
