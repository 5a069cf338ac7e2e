"""The documents that `--json` prints: one for each command, in a common envelope. docs/cli-json.md is generated from
them."""

from __future__ import annotations

from gateway.workbench.shapes.code import RetireDocument, ScaffoldDocument
from gateway.workbench.shapes.configuration import CheckDocument, ExplainDocument, RoutesDocument
from gateway.workbench.shapes.endpoints import BriefDocument, InventoryDocument
from gateway.workbench.shapes.envelope import Envelope, ErrorDocument, Failure, Shape, stage
from gateway.workbench.shapes.hooks import HooksDocument, HookTestDocument
from gateway.workbench.shapes.proofs import (
    CleanDocument,
    ContractDocument,
    OpenapiDocument,
    RecordDocument,
    ReplayDocument,
    VerifyDocument,
)
from gateway.workbench.shapes.rollout import (
    AcceptDocument,
    DiffsDocument,
    HistoryDocument,
    MoveDocument,
    ResolveDocument,
    SignDocument,
    StatusDocument,
    change,
)

__all__ = ["SHAPES", "Envelope", "ErrorDocument", "Failure", "Shape", "change", "stage"]

SHAPES: dict[str, type[Envelope]] = {
    "check": CheckDocument,
    "routes": RoutesDocument,
    "contract": ContractDocument,
    "openapi": OpenapiDocument,
    "explain": ExplainDocument,
    "status": StatusDocument,
    **dict.fromkeys(("promote", "rollback", "pause", "resume", "clear"), MoveDocument),
    "diffs": DiffsDocument,
    "diffs resolve": ResolveDocument,
    "diffs accept": AcceptDocument,
    "record": RecordDocument,
    "history": HistoryDocument,
    "hooks": HooksDocument,
    "hooks test": HookTestDocument,
    "sign": SignDocument,
    "retire": RetireDocument,
    "replay": ReplayDocument,
    "replay clean": CleanDocument,
    "inventory": InventoryDocument,
    "brief": BriefDocument,
    "verify": VerifyDocument,
    "scaffold": ScaffoldDocument,
}
