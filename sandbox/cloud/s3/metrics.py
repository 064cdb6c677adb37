"""The backlog of replication as CloudWatch shows it.

"Using S3 Replication metrics" and "Amazon S3 metrics and dimensions": pending bytes, pending operations and latency are
published in the destination's Region, failed operations in the source's; dimensions SourceBucket, DestinationBucket and
RuleId; only for rules that have metrics enabled. AWS publishes every minute; here a value is put as soon as it changes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from moto.cloudwatch.models import cloudwatch_backends

from sandbox.cloud.s3.replicator import Backlog, Route

if TYPE_CHECKING:
    from sandbox.cloud.s3.backend import Backend

log = logging.getLogger(__name__)

SAMPLE_SECONDS = 2.0
# A value that does not change is repeated this often, as on AWS.
_REPEAT_SECONDS = 60.0
_NAMESPACE = "AWS/S3"


class ReplicationMetrics:
    """Puts the metrics of all rules of ``backend`` into moto's CloudWatch."""

    def __init__(self, backend: Backend, interval: float = SAMPLE_SECONDS) -> None:
        self._backend = backend
        self._interval = interval
        self._stop = threading.Event()
        self._put: dict[Route, tuple[float, Backlog]] = {}
        self._thread = threading.Thread(target=self._run, name="s3-replication-metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def sample(self) -> None:
        """Put what changed since the last sample, and what was not put for a minute."""
        replicator = self._backend.replication.replicator
        backlogs, failures = replicator.backlog(), replicator.take_failures()
        now = time.monotonic()
        for route in self._routes():
            backlog = backlogs.get(route, Backlog())
            put_at, last = self._put.get(route, (-_REPEAT_SECONDS, None))
            if backlog != last or now - put_at >= _REPEAT_SECONDS:
                self._put_backlog(route, backlog)
                self._put[route] = (now, backlog)
            if failures.get(route):
                self._put_failures(route, failures[route])

    def _routes(self) -> Iterator[Route]:
        with self._backend.lock:
            sources = [(name, bucket.replication) for name, bucket in self._backend.buckets.items()]
        for name, configuration in sources:
            for rule in configuration.rules if configuration is not None else ():
                if rule.metrics and rule.enabled:
                    yield Route(name, rule.destination, rule.id)

    def _put_backlog(self, route: Route, backlog: Backlog) -> None:
        """Not published once the destination is deleted."""
        region = self._backend.region_of(route.destination)
        if region is not None:
            self._publish(
                region,
                route,
                {
                    "BytesPendingReplication": (float(backlog.size), "Bytes"),
                    "OperationsPendingReplication": (float(backlog.operations), "Count"),
                    "ReplicationLatency": (round(backlog.latency, 3), "Seconds"),
                },
            )

    def _put_failures(self, route: Route, failures: int) -> None:
        region = self._backend.region_of(route.source)
        if region is not None:
            self._publish(region, route, {"OperationsFailedReplication": (float(failures), "Count")})

    def _publish(self, region: str, route: Route, values: Mapping[str, tuple[float, str]]) -> None:
        dimensions = [
            {"Name": "SourceBucket", "Value": route.source},
            {"Name": "DestinationBucket", "Value": route.destination},
            {"Name": "RuleId", "Value": route.rule_id},
        ]
        cloudwatch_backends[self._backend.account_id][region].put_metric_data(
            _NAMESPACE,
            [
                {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": dimensions}
                for name, (value, unit) in values.items()
            ],
        )

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self.sample()
            except Exception:  # a sample that is missing is better than none from now on
                log.exception("the metrics of replication were not put")
