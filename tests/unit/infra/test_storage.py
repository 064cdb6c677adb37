"""The buckets and their replication."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.infra.recording import Run, run_stack

REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
PURPOSES = {"backups", "uploads", "logs", "records"}


def test_each_site_has_its_four_buckets(primary: Run, secondary: Run) -> None:
    for run, site in ((primary, "primary"), (secondary, "secondary")):
        names = {bucket.inputs["bucket"] for bucket in run.of("aws:s3/bucket:Bucket")}
        assert names == {f"goliath-{purpose}-{site}" for purpose in PURPOSES}
        assert set(run.outputs["buckets"].values()) == names


def test_every_bucket_keeps_versions(any_run: Run) -> None:
    versioned = any_run.of("aws:s3/bucketVersioning:BucketVersioning")
    assert {each.name for each in versioned} == PURPOSES
    assert all(each.inputs["versioningConfiguration"] == {"status": "Enabled"} for each in versioned)


def rules(run: Run, bucket: str) -> dict[str, Any]:
    (lifecycle,) = [each for each in run.of(LIFECYCLE) if each.name == bucket]
    return {rule["id"]: rule for rule in lifecycle.inputs["rules"]}


def test_backups_are_kept_for_30_days_and_can_be_brought_back_for_30_more(any_run: Run) -> None:
    found = rules(any_run, "backups")
    for prefix in ("database", "kubernetes", "redis"):
        rule = found[f"keep-{prefix}"]
        assert rule["filter"] == {"prefix": f"{prefix}/"}
        assert rule["expiration"] == {"days": 30}
        assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 30}


def test_uploads_and_records_never_expire(any_run: Run) -> None:
    for bucket in ("uploads", "records"):
        assert all("days" not in rule.get("expiration", {}) for rule in rules(any_run, bucket).values())


def test_unfinished_uploads_are_cleared_everywhere(any_run: Run) -> None:
    for bucket in PURPOSES:
        abort = rules(any_run, bucket)["unfinished-uploads"]["abortIncompleteMultipartUpload"]
        assert abort == {"daysAfterInitiation": 7}


def test_records_are_locked_and_nothing_else_is(any_run: Run) -> None:
    lock = any_run.one("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    assert lock.name == "records"
    assert lock.inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 365}}
    locked = [each.name for each in any_run.of("aws:s3/bucket:Bucket") if each.inputs.get("objectLockEnabled")]
    assert locked == ["records"]


def test_nothing_replicates_until_the_peer_is_there(first_run: Run) -> None:
    assert not first_run.of(REPLICATION)
    assert first_run.outputs["peerSeen"] is False


def test_three_buckets_replicate_in_both_directions(primary: Run, secondary: Run) -> None:
    for run, other, peer_key in (
        (primary, "secondary", secondary.outputs["keyArn"]),
        (secondary, "primary", primary.outputs["keyArn"]),
    ):
        assert {each.name for each in run.of(REPLICATION)} == {"backups", "uploads", "logs"}
        for each in run.of(REPLICATION):
            assert each.inputs["bucket"] == run.outputs["buckets"][each.name]
            (rule,) = each.inputs["rules"]
            destination = rule["destination"]
            assert destination["bucket"] == f"arn:aws:s3:::goliath-{each.name}-{other}"
            assert destination["encryptionConfiguration"] == {"replicaKmsKeyId": peer_key}
            assert destination["replicationTime"] == {"status": "Enabled", "time": {"minutes": 15}}
            assert destination["metrics"] == {"status": "Enabled", "eventThreshold": {"minutes": 15}}
            assert rule["deleteMarkerReplication"] == {"status": "Enabled"}
            assert rule["sourceSelectionCriteria"]["sseKmsEncryptedObjects"] == {"status": "Enabled"}
            assert rule["filter"] == {}, "without a filter S3 takes the old rule form, without delete markers"
            assert rule["status"] == "Enabled"


def test_replication_waits_for_versioning_and_its_permissions(primary: Run) -> None:
    by_identity = primary.by_identity()
    policy = by_identity["aws:iam/rolePolicy:RolePolicy", "primary-replication"]
    for each in primary.of(REPLICATION):
        versioning = by_identity["aws:s3/bucketVersioning:BucketVersioning", each.name]
        assert {policy.urn, versioning.urn} <= set(each.depends_on)


def test_the_replication_role_writes_only_to_the_peers_three_buckets(primary: Run, secondary: Run) -> None:
    policy = primary.by_identity()["aws:iam/rolePolicy:RolePolicy", "primary-replication"]
    granted = {each["Sid"]: each for each in json.loads(policy.inputs["policy"])["Statement"]}
    assert granted["WriteTheReplicas"]["Resource"] == [
        f"arn:aws:s3:::goliath-{purpose}-secondary/*" for purpose in ("backups", "uploads", "logs")
    ]
    assert granted["WriteWithPeersKey"]["Resource"] == [secondary.outputs["keyArn"]]
    assert granted["WriteWithPeersKey"]["Condition"]["StringEquals"] == {"kms:ViaService": "s3.us-west-2.amazonaws.com"}
    assert granted["ReadWithOwnKey"]["Resource"] == [primary.outputs["keyArn"]]
    assert granted["ReadWithOwnKey"]["Condition"]["StringEquals"] == {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    assert "records" not in policy.inputs["policy"]


def test_the_bucket_prefix_and_the_lock_can_be_chosen() -> None:
    run = run_stack("primary", bucketNamePrefix="acme", recordsRetentionDays="30")
    assert {each.inputs["bucket"] for each in run.of("aws:s3/bucket:Bucket")} == {
        f"acme-{purpose}-primary" for purpose in PURPOSES
    }
    lock = run.one("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    assert lock.inputs["rule"]["defaultRetention"]["days"] == 30
