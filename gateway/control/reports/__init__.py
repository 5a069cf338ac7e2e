"""Data for the command line and the admin, as plain values."""

from gateway.control.reports.differences import (
    AcceptedReport,
    DifferenceCounts,
    DifferenceReport,
    accepted,
    differences,
)
from gateway.control.reports.history import (
    DayOfStages,
    DayOfTraffic,
    HourOfRoute,
    days_of_traffic,
    hours_of_route,
    stages_by_day,
)
from gateway.control.reports.hooks import DeliveryReport, HookReport, hooks
from gateway.control.reports.metrics import Metric, RouteMetrics, route_metrics
from gateway.control.reports.route_status import RouteStatus, status
from gateway.control.reports.routes import OrphanedRoute, changes, orphans
from gateway.control.reports.traffic import MirrorStats, SideStats, TrafficStats
from gateway.control.reports.workers import WorkerReport, worker_rows, workers

__all__ = [
    "AcceptedReport",
    "DayOfStages",
    "DayOfTraffic",
    "DeliveryReport",
    "DifferenceCounts",
    "DifferenceReport",
    "HookReport",
    "HourOfRoute",
    "Metric",
    "MirrorStats",
    "OrphanedRoute",
    "RouteMetrics",
    "RouteStatus",
    "SideStats",
    "TrafficStats",
    "WorkerReport",
    "accepted",
    "changes",
    "days_of_traffic",
    "differences",
    "hooks",
    "hours_of_route",
    "orphans",
    "route_metrics",
    "stages_by_day",
    "status",
    "worker_rows",
    "workers",
]
