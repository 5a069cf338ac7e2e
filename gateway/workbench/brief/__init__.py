"""Everything needed to write one endpoint anew, on one page.

sources.py (the code that answers today)  queries.py (its SQL)  brief.py (all of it)
"""

from gateway.workbench.brief.brief import Brief, brief_of
from gateway.workbench.brief.sources import Source

__all__ = ["Brief", "Source", "brief_of"]
