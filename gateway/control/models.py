"""State that changes at run time: stages of routes and who changed them, counters, differences, recordings.

Rows of routes win over the file until they are cleared. Everything a process writes by itself is bounded: counters by
time (`retention`), differences by number (`store`).
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from gateway.control.timestamps import NEVER, MomentField
from gateway.rollout.stage import STAGES

__all__ = [
    "AcceptedDifference",
    "AcceptedMatch",
    "Change",
    "CounterWindow",
    "DifferenceGroup",
    "EndpointDay",
    "EventMark",
    "HookDelivery",
    "Hour",
    "MirrorWindow",
    "Recording",
    "RecordingTally",
    "Replay",
    "Revision",
    "Route",
    "RouteDifferences",
    "RouteState",
    "Sample",
    "Worker",
]

RELEASE = 100  # characters of a release
NAME = 200  # characters of a route's name; PostgreSQL's indexes are limited to 2,700 bytes


class Route(models.Model):
    """A route of gateway.toml in the Django admin: it has no table, only the section's pages and its permissions."""

    name = models.CharField(max_length=NAME, primary_key=True)

    class Meta:
        managed = False
        verbose_name = _("route")
        verbose_name_plural = _("migration")
        default_permissions = ("view",)
        permissions = (
            ("operate_route", "Can promote, pause, resume and roll back routes"),
            ("accept_differences", "Can accept and resolve differences"),
            ("override_evidence", "Can promote routes without the evidence"),
            ("record_requests", "Can record requests"),
        )

    def __str__(self) -> str:
        return self.name


class Revision(models.Model):
    """One row, whose number is incremented with every change of a route. Workers poll only this row."""

    ONLY = 1  # its primary key

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)


class RouteState(models.Model):
    """The state of a route that was changed at run time. Without a row, the state in the file applies."""

    route = models.CharField(max_length=NAME, unique=True)
    stage = models.CharField(max_length=10, choices=[(stage, stage) for stage in STAGES])
    weight = models.FloatField(default=0.0)
    paused = models.BooleanField(default=False)
    since = MomentField()  # when this stage and weight were set; a pause doesn't count
    revision = models.BigIntegerField()  # of its last change, for compare-and-set
    who = models.CharField(max_length=NAME)
    why = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(stage__in=STAGES), name="gateway_known_stage"),
            models.CheckConstraint(
                condition=models.Q(weight=0) | models.Q(stage="canary", weight__gt=0, weight__lte=100),
                name="gateway_weight_in_canary",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route}: {self.stage}"


class Appended(models.QuerySet[Any]):
    """Rows that are written once and never changed."""

    def update(self, **_: Any) -> NoReturn:
        """Raises TypeError."""
        raise TypeError("the audit log is only appended to")

    def delete(self) -> NoReturn:
        """Raises TypeError."""
        raise TypeError("the audit log is only appended to")


class Change(models.Model):
    """The audit log: one row for each change of a route, by operators or the guard. Rows are never changed or
    deleted."""

    at = MomentField()
    who = models.CharField(max_length=NAME)
    verb = models.CharField(max_length=10)
    route = models.CharField(max_length=NAME, db_index=True)
    from_stage = models.CharField(max_length=10)
    from_weight = models.FloatField()
    from_paused = models.BooleanField()
    to_stage = models.CharField(max_length=10)
    to_weight = models.FloatField()
    to_paused = models.BooleanField()
    why = models.TextField(blank=True)
    anyway = models.BooleanField(default=False)  # promoted though the evidence for it was missing
    revision = models.BigIntegerField(unique=True)

    objects = Appended.as_manager()

    class Meta:
        ordering = ["-revision"]

    def __str__(self) -> str:
        return f"{self.revision}: {self.who} {self.verb} {self.route}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises TypeError when the row exists."""
        if not self._state.adding:
            raise TypeError("the audit log is only appended to")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        """Raises TypeError."""
        raise TypeError("the audit log is only appended to")


class Worker(models.Model):
    """A process that serves. `lost_…` count what it could not store, `refused` the requests that it refused, by status,
    both since it started; `resting` has the reason of each open circuit breaker; `releases` is the release of each of
    its services."""

    id = models.CharField(max_length=32, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    started = MomentField()
    seen = MomentField(db_index=True)
    revision = models.BigIntegerField(default=0)  # of its snapshot
    releases = models.JSONField(default=dict)
    lost_requests = models.BigIntegerField(default=0)
    lost_differences = models.BigIntegerField(default=0)
    resting = models.JSONField(default=dict)
    refused = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Replay(models.Model):
    """The result of a `gateway replay` for a route: the number of cases that were compared, and of those with a
    difference that prevents promotion, under a release of its service. `accepted` lists the methods of the cases that
    legacy answered with a status below 400."""

    route = models.CharField(max_length=NAME)
    release = models.CharField(max_length=RELEASE)
    at = MomentField()
    who = models.CharField(max_length=NAME)
    cases = models.IntegerField()
    blocking = models.IntegerField()
    accepted = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["route", "release", "at"], name="gateway_replay_of_release")]

    def __str__(self) -> str:
        return f"{self.route}: {self.blocking} of {self.cases}"


class CounterWindow(models.Model):
    """What one worker counted on one side of a route in ten seconds (`gateway.stats.tally.COUNTER_WINDOW`).

    The numbers are absolute: writing a window again replaces it.
    """

    worker = models.CharField(max_length=32)
    route = models.CharField(max_length=NAME)
    side = models.CharField(max_length=20)
    start = models.BigIntegerField(db_index=True)  # seconds since 1970
    release = models.CharField(max_length=RELEASE, default="")  # of the route's service
    requests = models.BigIntegerField()
    errors = models.BigIntegerField()
    fallbacks = models.BigIntegerField()
    histogram = models.JSONField(default=dict)  # Histogram.to_json
    callers = models.JSONField(default=list)  # hashes of a few callers' addresses
    failing = models.JSONField(default=list)  # hashes of callers whose requests failed
    buckets = models.TextField(default="")  # buckets of a canary's callers; see `store.packed`
    reasons = models.JSONField(null=True, default=dict)  # fallbacks by reason; null from older processes

    class Meta:
        db_table = "gateway_control_slot"  # its first name: processes of an older version write to it during an upgrade
        constraints = [models.UniqueConstraint(fields=["worker", "route", "side", "start"], name="gateway_one_slot")]
        indexes = [models.Index(fields=["route", "start"], name="gateway_slot_of_route")]

    def __str__(self) -> str:
        return f"{self.route} {self.side} {self.start}"


class MirrorWindow(models.Model):
    """The mirrors of a route that one worker sent in ten seconds, by result; absolute, as in CounterWindow."""

    worker = models.CharField(max_length=32)
    route = models.CharField(max_length=NAME)
    start = models.BigIntegerField(db_index=True)
    release = models.CharField(max_length=RELEASE, default="")  # of the route's service
    mirrored = models.BigIntegerField()
    equal = models.BigIntegerField()
    different = models.BigIntegerField()
    critical = models.BigIntegerField(default=0)
    warned = models.BigIntegerField()
    controls = models.BigIntegerField()
    errors = models.BigIntegerField()
    dropped = models.JSONField(default=dict)  # by reason
    callers = models.JSONField(default=list)  # as in CounterWindow
    differing = models.JSONField(default=list)

    class Meta:
        db_table = "gateway_control_mirrorslot"  # as in CounterWindow
        constraints = [models.UniqueConstraint(fields=["worker", "route", "start"], name="gateway_one_mirror_slot")]
        indexes = [models.Index(fields=["route", "start"], name="gateway_mirrors_of_route")]

    def __str__(self) -> str:
        return f"{self.route} {self.start}"


class Hour(models.Model):
    """What all workers counted on one side of a route in an hour, folded from counter windows older than two hours."""

    route = models.CharField(max_length=NAME)
    side = models.CharField(max_length=20)
    start = models.BigIntegerField(db_index=True)
    requests = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    fallbacks = models.BigIntegerField(default=0)
    histogram = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["route", "side", "start"], name="gateway_one_hour")]
        indexes = [models.Index(fields=["fallbacks", "start"], name="gateway_hours_of_fallbacks")]

    def __str__(self) -> str:
        return f"{self.route} {self.side} {self.start}"


class EndpointDay(models.Model):
    """What one worker counted on one endpoint in a day, or all workers once the day is over (`worker` is empty then).

    `label` is the upstream's own label: Django's pattern, or a service's template. Patterns can be longer than an index
    allows, so `key` is a hash of upstream, method and label.
    """

    worker = models.CharField(max_length=32)
    day = models.BigIntegerField(db_index=True)  # its first second since 1970, in UTC
    key = models.CharField(max_length=32)
    upstream = models.CharField(max_length=NAME)
    method = models.CharField(max_length=10)
    label = models.TextField()
    requests = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # bytes of response bodies
    histogram = models.JSONField(default=dict)  # Histogram.to_json
    parameters = models.JSONField(default=list)  # names in query strings
    seen = MomentField()  # time of the last request, to half a minute

    class Meta:
        constraints = [models.UniqueConstraint(fields=["worker", "day", "key"], name="gateway_one_endpoint_day")]

    def __str__(self) -> str:
        return f"{self.upstream} {self.method} {self.label}"


class RouteDifferences(models.Model):
    """One row for each mirrored route. A transaction that adds differences locks it, so that the limit on groups holds.

    `compared` and `controls` are the totals under `release`, to which the counts of groups relate. A process that
    started later may bring a new release, with which counting starts over; one that started earlier and has another
    release adds nothing any more.
    """

    route = models.CharField(max_length=NAME, unique=True)
    release = models.CharField(max_length=RELEASE, default="")
    since = MomentField(default=NEVER)  # start of the process that brought the release
    compared = models.BigIntegerField(default=0)
    controls = models.BigIntegerField(default=0)
    beyond = models.BigIntegerField(default=0)  # differences in groups beyond the limit

    class Meta:
        verbose_name_plural = "route differences"

    def __str__(self) -> str:
        return self.route


class DifferenceGroup(models.Model):
    """Differences of a route that are equal except for the values.

    The fingerprint includes the template, so route and fingerprint are unique; a template can be longer than an index
    allows.
    """

    route = models.CharField(max_length=NAME)
    template = models.TextField()
    release = models.CharField(max_length=RELEASE, default="")  # under which it was last seen
    fingerprint = models.CharField(max_length=32)
    kind = models.CharField(max_length=32)
    pointer = models.TextField()
    severity = models.CharField(max_length=16)
    summary = models.TextField()
    count = models.BigIntegerField(default=0)  # responses of the service with this difference
    noise = models.BigIntegerField(default=0)  # responses of legacy that differed in this way from legacy's own
    first_seen = MomentField()
    last_seen = MomentField()
    examples = models.JSONField(default=list)  # the latest, redacted; see gateway.mirroring.difference_log.Example
    resolved = MomentField(default=NEVER)  # when it was resolved; if it is seen later, it is open again
    resolved_by = models.CharField(max_length=NAME, blank=True)
    resolved_why = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["route", "fingerprint"], name="gateway_one_group")]

    def __str__(self) -> str:
        return f"{self.route}: {self.summary}"


class AcceptedDifference(models.Model):
    """A difference that an operator accepted at run time, beside those of the file, until the last day `until`.

    `expected` and `actual` are null for any values; see gateway.parity.rules.Accepted.
    """

    route = models.CharField(max_length=NAME, db_index=True)
    fingerprint = models.CharField(max_length=32)  # of the group that was accepted
    kind = models.CharField(max_length=32)
    pointer = models.TextField()
    expected = models.JSONField(null=True)
    actual = models.JSONField(null=True)
    until = models.DateField()
    at = MomentField()
    who = models.CharField(max_length=NAME)
    why = models.TextField()

    def __str__(self) -> str:
        return f"{self.route}: {self.kind} {self.pointer} until {self.until}"


class AcceptedMatch(models.Model):
    """How often a difference occurred that the file accepts. An entry that never occurs can be removed from the
    file."""

    route = models.CharField(max_length=NAME)
    key = models.CharField(max_length=255)
    count = models.BigIntegerField(default=0)
    last_seen = MomentField()

    class Meta:
        verbose_name_plural = "accepted matches"
        constraints = [models.UniqueConstraint(fields=["route", "key"], name="gateway_one_match")]

    def __str__(self) -> str:
        return f"{self.route}: {self.key}"


class Recording(models.Model):
    """A recording that an operator requested. Processes take part until `until`, or until it has `ended`.

    `secret` is the key of its pseudonyms. It is deleted when it isn't needed any more.
    """

    id = models.CharField(max_length=32, primary_key=True)
    who = models.CharField(max_length=NAME)
    why = models.TextField(blank=True)
    started = MomentField()
    until = MomentField(db_index=True)
    ended = MomentField(default=NEVER)
    plan = models.JSONField()  # gateway.recording.plan.Plan.to_json
    secret = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.id} by {self.who}"


class RecordingTally(models.Model):
    """What one process has seen for a recording; absolute, as in CounterWindow. `done`: the process adds no more."""

    recording = models.CharField(max_length=32)
    worker = models.CharField(max_length=32)
    seen = models.BigIntegerField(default=0)
    skipped = models.JSONField(default=dict)  # by reason
    done = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "worker"], name="gateway_one_recording_tally")]

    def __str__(self) -> str:
        return f"{self.recording} {self.worker}"


class Sample(models.Model):
    """One request that represents all similar ones. `case` is redacted JSON in the format of docs/corpus.md."""

    recording = models.CharField(max_length=32)
    fingerprint = models.CharField(max_length=32)
    endpoint = models.TextField()
    case = models.TextField()
    count = models.BigIntegerField(default=0)
    at = MomentField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "fingerprint"], name="gateway_one_sample")]

    def __str__(self) -> str:
        return f"{self.recording} {self.endpoint}"


class HookDelivery(models.Model):
    """One event for one hook, stored with the change that it tells of, until a process has delivered it.

    Who delivers it first moves `due` into the future: if that process dies, it is due again then. `event` is the
    event's ID, the same for all hooks; `payload` is what they get.
    """

    WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"

    hook = models.CharField(max_length=50)
    event = models.CharField(max_length=32)
    payload = models.JSONField()
    created = MomentField()
    due = MomentField()
    attempts = models.IntegerField(default=0)
    state = models.CharField(max_length=10, default=WAITING)
    ended = MomentField(default=NEVER)  # of the last attempt
    status = models.IntegerField(null=True)  # of the last answer
    problem = models.TextField(blank=True)  # of the last attempt, in words

    class Meta:
        verbose_name_plural = "hook deliveries"
        indexes = [models.Index(fields=["state", "hook", "due"], name="gateway_due_deliveries")]

    def __str__(self) -> str:
        return f"{self.hook}: {self.payload['type']}, {self.state}"


class EventMark(models.Model):
    """When hooks were last told of something, or asked, so that one process of several does it, and not again for a
    while. `key` is a hash of what it is; `note` is text about it."""

    key = models.CharField(max_length=32, unique=True)
    at = MomentField()
    note = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.key
