"""Every endpoint that Django serves: its URL, its handler, and the handler's file and line.

    endpoints()                              # all of them, in the URLconf's order
    find("GET /api/products/{id}/")          # one of them; NoSuchEndpoint suggests similar ones

urlconf.py (the walk)  template.py regex.py (paths)  views.py (methods and kinds)  source.py (file and line)  finding.py
"""

from gateway.workbench.inventory.endpoint import Endpoint, PathParameter, ViewKind
from gateway.workbench.inventory.finding import NoSuchEndpoint, find, find_all
from gateway.workbench.inventory.urlconf import endpoints

__all__ = ["Endpoint", "NoSuchEndpoint", "PathParameter", "ViewKind", "endpoints", "find", "find_all"]
