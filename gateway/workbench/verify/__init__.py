"""Is a route's service ready? Everything that can say so, as one verdict with the next thing to do.

verdict.py  a step's verdict, and that of all     steps.py  the steps     typing.py  the types of the service's code
"""

from gateway.workbench.verify.steps import verify
from gateway.workbench.verify.verdict import Step, Verdict, Verification

__all__ = ["Step", "Verdict", "Verification", "verify"]
