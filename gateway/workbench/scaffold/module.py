"""The text of a Python module: docstring, imports, body; formatted by ruff if it is installed."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Collection
from pathlib import Path

from gateway.workbench.scaffold.references import resolve

__all__ = ["formatted", "is_formatted", "module_text"]

LINE = 120


def module_text(docstring: str, body: str, *, exported: Collection[str] = ()) -> str:
    """A module from a text with references: every name is imported. Raises SyntaxError for invalid Python."""
    taken = _defined(body)
    text, imports = resolve(body, taken)
    listed = f"\n__all__ = [{', '.join(repr(name) for name in sorted(exported))}]\n" if exported else ""
    whole = f'"""{docstring}"""\n\n' + "\n".join(imports) + f"\n{listed}\n{text}\n"
    ast.parse(whole)
    return formatted(whole)


def _defined(body: str) -> set[str]:
    """The names that a body defines at module level."""
    tree = ast.parse(resolve(body, set())[0])
    names = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}
    targets = (target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets)
    return names | {target.id for target in targets if isinstance(target, ast.Name)}


def is_formatted() -> bool:
    """Whether ruff is installed (the extra `workbench`)."""
    return _ruff() is not None


def _ruff() -> str | None:
    beside = Path(sysconfig.get_path("scripts")) / "ruff"
    return (
        str(beside)
        if beside.exists()
        else shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    )


def formatted(text: str) -> str:
    """`text` with sorted imports, formatted by ruff; unchanged without ruff."""
    ruff = _ruff()
    if ruff is None:
        return text
    common = ["--isolated", "--quiet", f"--line-length={LINE}", "--target-version=py311", "-"]
    for command in (["check", "--fix-only", "--select=I,F401,Q,PIE790"], ["format"]):
        done = subprocess.run(  # noqa: S603 - ruff, with our own text
            [ruff, *command, *common], input=text, capture_output=True, text=True, check=False, encoding="utf-8"
        )
        text = done.stdout if done.returncode == 0 and done.stdout else text
    return text
