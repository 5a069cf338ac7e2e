"""The style of a report, light and dark; checkboxes select what is shown, without a script."""

from __future__ import annotations

import hashlib
from base64 import b64encode

from gateway.workbench.replay.result import Drift

__all__ = ["POLICY", "STYLE", "box_of"]


def box_of(drift: Drift) -> str:
    """The id of the checkbox that shows findings of this kind, and their class."""
    return drift.value.replace(" ", "-")


_FILTERS = "\n".join(
    f"#{name}:not(:checked) ~ main .{name} {{ display: none }}\n#{name}:focus-visible ~ nav label[for={name}] "
    "{ outline: 2px solid; }\n"
    f"#{name}:not(:checked) ~ nav label[for={name}] {{ opacity: .45; text-decoration: line-through }}"
    for name in (*(box_of(drift) for drift in Drift), "notes")
)
STYLE = f"""
:root {{ color-scheme: light dark; --line: #d8dce3; --soft: #f5f6f8; --dim: #5c6470; --del: #ffdcd7; --ins: #cdf3d8;
  --critical: #a40020; --breaking: #c8321a; --warning: #8a6100; --note: #5c6470; --good: #13743a }}
@media (prefers-color-scheme: dark) {{ :root {{ --line: #3a404a; --soft: #1d2127; --dim: #a3abb8; --del: #6b1f17;
  --ins: #12502b; --critical: #ff7b90; --breaking: #ff8f75; --warning: #e8bd55; --note: #a3abb8; --good: #5fd08c }} }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1.5rem }}
h1 {{ font-size: 1.4rem; margin: 0 }} h2 {{ font-size: 1.1rem; margin: 2rem 0 .5rem }} h3 {{ font-size: .95rem }}
code, pre, td.text {{ font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap }}
.dim {{ color: var(--dim) }} .good {{ color: var(--good) }}
.critical > .mark {{ color: var(--critical) }} .breaking > .mark {{ color: var(--breaking) }}
.warning > .mark {{ color: var(--warning) }} .note > .mark {{ color: var(--note) }} .mark {{ font-weight: 600 }}
.box {{ position: absolute; opacity: 0 }}
nav label {{ border: 1px solid var(--line); border-radius: 1rem; cursor: pointer; display: inline-block;
  margin: 0 .4rem .4rem 0; padding: .15rem .8rem }}
details {{ border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .5rem .9rem }}
summary {{ cursor: pointer }} ul {{ padding-left: 1.2rem }}
table {{ border-collapse: collapse; width: 100% }} th {{ text-align: left }}
.sides {{ table-layout: fixed }} .sides td, .sides th {{ border-left: 1px solid var(--line); padding: 0 .6rem;
  vertical-align: top; width: 50% }} .sides tr.differs td {{ background: var(--soft) }}
.counts td, .counts th {{ padding: .1rem 1rem .1rem 0; text-align: right; width: auto }} .counts {{ width: auto }}
.counts td:first-child, .counts th:first-child {{ text-align: left }}
del {{ background: var(--del); text-decoration: none }} ins {{ background: var(--ins); text-decoration: none }}
{_FILTERS}
@media print {{ nav {{ display: none }} }}
"""
# Nothing may be loaded or run, even if content from traffic got into the page unescaped.
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
