"""Verifies whether a route's service is ready: all checks, as one verdict with the next thing to do.

verdict.py  a step's verdict, and the overall one     steps.py  the steps     typing.py  the types of the service's code
"""

from gateway.workbench.verify.steps import verify
from gateway.workbench.verify.verdict import StepVerdict, Verification, VerifyStep

__all__ = ["StepVerdict", "Verification", "VerifyStep", "verify"]
