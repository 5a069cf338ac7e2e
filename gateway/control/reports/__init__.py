"""Data for the command line and the admin, as plain values."""

from gateway.control.reports.differences import (
    AcceptedReport,
    DifferenceCounts,
    DifferenceReport,
    accepted,
    differences,
)
from gateway.control.reports.route_status import RouteStatus, status
from gateway.control.reports.routes import OrphanedRoute, changes, orphans
from gateway.control.reports.traffic import MirrorStats, SideStats, TrafficStats
from gateway.control.reports.workers import WorkerReport, workers

__all__ = [
    "AcceptedReport",
    "DifferenceCounts",
    "DifferenceReport",
    "MirrorStats",
    "OrphanedRoute",
    "RouteStatus",
    "SideStats",
    "TrafficStats",
    "WorkerReport",
    "accepted",
    "changes",
    "differences",
    "orphans",
    "status",
    "workers",
]
