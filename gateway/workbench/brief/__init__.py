"""Everything that is needed to rewrite one endpoint, on one page.

sources.py (the code that answers now)  queries.py (its SQL)  brief.py (all of it)
"""

from gateway.workbench.brief.brief import Brief, brief_of
from gateway.workbench.brief.sources import Source

__all__ = ["Brief", "Source", "brief_of"]
