"""The backlog of replication in CloudWatch, with the link between the regions down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.utils import utcnow
from moto.iam.models import iam_backends

from sandbox.cloud.s3.backend import Backend
from sandbox.cloud.s3.metrics import ReplicationMetrics
from sandbox.cloud.s3.objects import Status

ACCOUNT = "123456789012"
EAST, WEST = "us-east-1", "us-west-2"
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"},
    }
)


@pytest.fixture
def backend() -> Iterator[Backend]:
    """Two buckets that replicate from east to west, the link between them down."""
    made = Backend("aws", ACCOUNT)
    iam = iam_backends[ACCOUNT]["aws"]
    role = iam.create_role("metrics-test", TRUST, "/", None, "", [], None)
    iam.put_role_policy("metrics-test", "replicate", ALLOW)
    for name, region in (("metrics-east", EAST), ("metrics-west", WEST)):
        made.create_bucket(name, region)
        made.put_bucket_versioning(name, "Enabled")
    rule = {
        "ID": "all",
        "Priority": 1,
        "Filter": {},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": "arn:aws:s3:::metrics-west", "Metrics": {"Status": "Enabled"}},
    }
    made.put_bucket_replication("metrics-east", {"Role": role.arn, "Rules": [rule]})
    made.replication.replicator.link_is_up = lambda _source, _destination: False
    made.replication.replicator.start()
    yield made
    made.replication.replicator.close()
    for name in ("metrics-east", "metrics-west"):
        made.buckets.pop(name, None)
        _forget(name)
    iam.delete_role_policy("metrics-test", "replicate")
    iam.delete_role("metrics-test")
    for region in (EAST, WEST):
        cloudwatch_backends[ACCOUNT][region].metric_data.clear()


def _forget(bucket: str) -> None:
    from moto.s3.models import s3_backends

    s3_backends.bucket_accounts.pop(bucket, None)


def values(region: str, name: str) -> list[float]:
    """What CloudWatch of a region answers for a metric of the rule, newest last."""
    dimensions = [
        {"Name": "SourceBucket", "Value": "metrics-east"},
        {"Name": "DestinationBucket", "Value": "metrics-west"},
        {"Name": "RuleId", "Value": "all"},
    ]
    now = utcnow()
    found: list[Any] = cloudwatch_backends[ACCOUNT][region].get_metric_statistics(
        "AWS/S3", name, now - timedelta(hours=1), now + timedelta(minutes=1), 3600, ["Maximum"], dimensions
    )
    return [float(statistic.maximum) for statistic in found]


def test_what_waits_is_shown_in_the_region_of_the_destination(backend: Backend) -> None:
    metrics = ReplicationMetrics(backend)
    backend.put_object("metrics-east", "a", b"x" * 100)
    backend.put_object("metrics-east", "b", b"x" * 50)
    metrics.sample()
    assert values(WEST, "BytesPendingReplication") == [150.0]
    assert values(WEST, "OperationsPendingReplication") == [2.0]
    assert values(WEST, "ReplicationLatency")[0] >= 0
    assert values(EAST, "BytesPendingReplication") == []


def test_the_status_stays_pending_and_the_backlog_drains_when_the_link_comes_back(backend: Backend) -> None:
    metrics = ReplicationMetrics(backend)
    version = backend.put_object("metrics-east", "a", b"x")
    metrics.sample()
    assert version.replication.status is Status.PENDING
    backend.replication.replicator.link_is_up = lambda _source, _destination: True
    assert backend.replication.replicator.wait_until_idle(10)
    assert version.replication.status is Status.COMPLETED
    metrics.sample()
    data = cloudwatch_backends[ACCOUNT][WEST].metric_data
    assert [datum.value for datum in data if datum.name == "OperationsPendingReplication"] == [1.0, 0.0]


def test_nothing_new_is_not_put_again(backend: Backend) -> None:
    metrics = ReplicationMetrics(backend)
    metrics.sample()
    metrics.sample()
    assert len(cloudwatch_backends[ACCOUNT][WEST].metric_data) == 3


def test_failures_are_shown_in_the_region_of_the_source(backend: Backend) -> None:
    metrics = ReplicationMetrics(backend)
    backend.replication.replicator.link_is_up = lambda _source, _destination: True
    backend.put_bucket_versioning("metrics-west", "Suspended")
    version = backend.put_object("metrics-east", "a", b"x")
    assert backend.replication.replicator.wait_until_idle(10)
    assert version.replication.status is Status.FAILED
    metrics.sample()
    assert values(EAST, "OperationsFailedReplication") == [1.0]
    assert values(WEST, "OperationsFailedReplication") == []
