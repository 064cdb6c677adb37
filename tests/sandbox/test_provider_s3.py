"""The provider's buckets against the real cloud process: what moto alone does not keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sandbox.provider.services.s3 import Bucket
from sandbox.provider.services.s3_protection import BucketServerSideEncryptionConfiguration, BucketVersioning
from sandbox.provider.services.s3_rules import BucketReplicationConfig
from tests.sandbox import provider_rds as given
from tests.sandbox.cloud_fixtures import unique, until
from tests.sandbox.provider_rds import Make
from tests.sandbox.rds_helpers import EAST, WEST
from tests.unit.provider.program import Program

# fixtures
aws = given.aws
resource = given.resource


def replication_role(iam: Any) -> str:
    name = unique("replication")
    service = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [service]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    everything = {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    return arn


def versioned(resource: Make, region: str, key: str) -> Program:
    bucket = resource(Bucket, region)
    bucket.up(bucket=unique("replicated"), forceDestroy=True, tags={"site": region})
    resource(BucketVersioning, region).up(bucket=bucket.id, versioningConfiguration={"status": "Enabled"})
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}
    resource(BucketServerSideEncryptionConfiguration, region).up(
        bucket=bucket.id, rules=[{"applyServerSideEncryptionByDefault": default, "bucketKeyEnabled": True}]
    )
    return bucket


def test_replication_with_everything_set_has_no_drift_and_copies(client: Callable[..., Any], resource: Make) -> None:
    keys = {region: client("kms", region).create_key()["KeyMetadata"]["Arn"] for region in (EAST, WEST)}
    role = replication_role(client("iam", EAST))
    source, copies = versioned(resource, EAST, keys[EAST]), versioned(resource, WEST, keys[WEST])
    rule = {
        "id": "to-the-peer",
        "priority": 1,
        "status": "Enabled",
        "filter": {"prefix": "database/"},
        "deleteMarkerReplication": {"status": "Enabled"},
        "sourceSelectionCriteria": {
            "sseKmsEncryptedObjects": {"status": "Enabled"},
            "replicaModifications": {"status": "Enabled"},
        },
        "destination": {
            "bucket": copies.state["arn"],
            "encryptionConfiguration": {"replicaKmsKeyId": keys[WEST]},
            "metrics": {"status": "Enabled", "eventThreshold": {"minutes": 15}},
            "replicationTime": {"status": "Enabled", "time": {"minutes": 15}},
        },
    }
    wanted = {"bucket": source.id, "role": role, "rules": [rule]}
    program = resource(BucketReplicationConfig)
    program.up(**wanted)
    assert program.plan(**wanted).changes == ()
    state, inputs = program.state, program.inputs
    program.refresh()
    assert (program.state, program.inputs) == (state, inputs)
    other = resource(BucketReplicationConfig)
    other.imported(source.id)
    assert other.plan(**wanted).changes == ()

    client("s3", EAST).put_object(Bucket=source.id, Key="database/a", Body=b"1")
    until(lambda: client("s3", WEST).list_objects_v2(Bucket=copies.id).get("Contents"))
    for name in ("filter", "sourceSelectionCriteria"):
        fewer = {**wanted, "rules": [{key: value for key, value in rule.items() if key != name}]}
        assert program.plan(**fewer).changes, name

    program.destroy()
    program.refresh()
    assert program.id == ""
    for bucket in (source, copies):
        bucket.destroy()
        bucket.refresh()
        assert bucket.id == ""
