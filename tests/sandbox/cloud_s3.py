"""Buckets of two regions that replicate, for the tests of S3."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.sandbox.cloud_fixtures import unique, until

EAST, WEST = "us-east-1", "us-west-2"
TRUST = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
REPLICATE = {
    "Effect": "Allow",
    "Action": [
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionTagging",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
        "s3:ReplicateObject",
        "s3:ReplicateDelete",
        "s3:ReplicateTags",
    ],
    "Resource": "arn:aws:s3:::*/*",
}
USE_KEYS = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": "*"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Site:
    """One bucket and the client of its region."""

    s3: Any
    bucket: str
    region: str

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}"

    def put(self, key: str, body: bytes = b"x", **details: Any) -> str:
        """Write an object; its version id."""
        return str(self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **details)["VersionId"])

    def head(self, key: str, **details: Any) -> dict[str, Any]:
        return dict(self.s3.head_object(Bucket=self.bucket, Key=key, **details))

    def has(self, key: str) -> bool:
        return any(found["Key"] == key for found in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", []))

    def status(self, key: str, **details: Any) -> str | None:
        """The replication status of an object."""
        return self.head(key, **details).get("ReplicationStatus")

    def settled(self, key: str, **details: Any) -> str | None:
        """Its status once it is not pending any more."""
        until(lambda: self.status(key, **details) != "PENDING")
        return self.status(key, **details)

    def markers(self, key: str) -> list[str]:
        found = self.s3.list_object_versions(Bucket=self.bucket, Prefix=key).get("DeleteMarkers", [])
        return [marker["VersionId"] for marker in found]


def make_site(client: Callable[..., Any], region: str, name: str = "site", *, lock: bool = False) -> Site:
    """A versioned bucket of a region."""
    s3, bucket = client("s3", region), unique(name)
    where = {} if region == EAST else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=lock, **where)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return Site(s3, bucket, region)


def make_role(client: Callable[..., Any], *statements: dict[str, Any], trust: dict[str, Any] = TRUST) -> str:
    """A role with a policy; its ARN."""
    iam, name = client("iam"), unique("replication")
    arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"])
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="replicate", PolicyDocument=policy(*statements))
    return arn


def rule(destination: Site, **changes: Any) -> dict[str, Any]:
    """A rule for everything, delete markers as well. ``destination__X`` changes a part of its Destination."""
    parts = {name.removeprefix("destination__"): value for name, value in changes.items() if "destination__" in name}
    return {
        "ID": "everything",
        "Priority": 1,
        "Filter": {},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Enabled"},
        **{name: value for name, value in changes.items() if "destination__" not in name},
        "Destination": {"Bucket": destination.arn, **parts},
    }


def replicate(source: Site, role: str, *rules: dict[str, Any]) -> None:
    source.s3.put_bucket_replication(
        Bucket=source.bucket, ReplicationConfiguration={"Role": role, "Rules": list(rules)}
    )
