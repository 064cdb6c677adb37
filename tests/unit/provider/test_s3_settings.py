"""The settings of a bucket: what a program asks for is there, stays without difference, and drift is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.core.resource import ResourceError
from sandbox.provider.services.s3_protection import (
    BucketObjectLockConfiguration,
    BucketOwnershipControls,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketVersioning,
)
from sandbox.provider.services.s3_rules import BucketLifecycleConfiguration, BucketLogging, BucketReplicationConfig
from tests.unit.provider.buckets import VERSIONED, bucket, versioned
from tests.unit.provider.program import Kind, Program, Refused, cloud

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with cloud():
        yield


REPLICATION_RULE = {
    "id": "to-the-peer",
    "priority": 1,
    "status": "Enabled",
    # moto keeps these two only in this form; tests/sandbox has the others
    "filter": {"prefix": ""},
    "deleteMarkerReplication": {"status": "Disabled"},
    "destination": {
        "bucket": "arn:aws:s3:::copies",
        "encryptionConfiguration": {"replicaKmsKeyId": KEY},
        "metrics": {"status": "Enabled", "eventThreshold": {"minutes": 15}},
        "replicationTime": {"status": "Enabled", "time": {"minutes": 15}},
    },
}
LIFECYCLE_RULES: list[dict[str, Any]] = [
    {
        "id": "unfinished-uploads",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
    },
    {
        "id": "keep-database",
        "status": "Enabled",
        "filter": {"prefix": "database/"},
        "expiration": {"days": 30},
        "noncurrentVersionExpiration": {"noncurrentDays": 30},
        "transitions": [
            {"days": 10, "storageClass": "GLACIER"},
            {"days": 5, "storageClass": "STANDARD_IA"},
        ],
    },
    {
        "id": "tagged",
        "status": "Disabled",
        "filter": {"and": {"prefix": "x/", "tags": {"a": "1", "b": "2"}}},
        "expiration": {"expiredObjectDeleteMarker": True},
    },
]
DENY = {"Effect": "Deny", "Principal": "*", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::backups/*"]}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [DENY]})
SSE_RULE = {
    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
    "bucketKeyEnabled": True,
}
LOG_DELIVERY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::backups/*",
            }
        ],
    }
)
LOGGING = {"targetBucket": "backups", "targetPrefix": "access/"}

SETTINGS: dict[str, tuple[Kind, dict[str, Any], dict[str, Any]]] = {
    "versioning": (BucketVersioning, VERSIONED, {"versioningConfiguration": {"status": "Suspended"}}),
    "encryption": (
        BucketServerSideEncryptionConfiguration,
        {"rules": [SSE_RULE]},
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
    ),
    "public access": (
        BucketPublicAccessBlock,
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
        {"blockPublicAcls": True, "blockPublicPolicy": True},
    ),
    "policy": (
        BucketPolicy,
        {"policy": POLICY},
        {"policy": json.dumps({"Version": "2012-10-17", "Statement": [{**DENY, "Sid": "Other"}]})},
    ),
    "ownership": (
        BucketOwnershipControls,
        {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
    ),
    "lifecycle": (BucketLifecycleConfiguration, {"rules": LIFECYCLE_RULES}, {"rules": LIFECYCLE_RULES[:1]}),
    "logging": (BucketLogging, LOGGING, {**LOGGING, "targetPrefix": "other/"}),
    "replication": (
        BucketReplicationConfig,
        {"role": "arn:aws:iam::123456789012:role/replication", "rules": [REPLICATION_RULE]},
        {
            "role": "arn:aws:iam::123456789012:role/replication",
            "rules": [{**REPLICATION_RULE, "status": "Disabled"}],
        },
    ),
    "object lock": (
        BucketObjectLockConfiguration,
        {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}},
        {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 60}}},
    ),
}


@pytest.fixture(params=SETTINGS, ids=lambda name: name.replace(" ", "-"))
def setting(request: pytest.FixtureRequest) -> tuple[Program, dict[str, Any], dict[str, Any]]:
    kind, first, second = SETTINGS[request.param]
    versioned(objectLockEnabled=kind is BucketObjectLockConfiguration)
    versioned("copies")
    if kind is BucketLogging:
        Program(BucketPolicy).up(bucket="backups", policy=LOG_DELIVERY)
    return Program(kind), {"bucket": "backups", **first}, {"bucket": "backups", **second}


Setting = tuple[Program, dict[str, Any], dict[str, Any]]


def test_a_setting_that_was_just_made_is_no_difference(setting: Setting) -> None:
    program, first, _ = setting
    program.up(**first)
    assert program.plan(**first).changes == ()


def test_a_refresh_without_drift_changes_neither_state_nor_inputs(setting: Setting) -> None:
    program, first, _ = setting
    program.up(**first)
    state, inputs = program.state, program.inputs
    program.refresh()
    assert (program.state, program.inputs) == (state, inputs)
    assert program.plan(**first).changes == ()


def test_a_changed_setting_is_written_in_place_and_then_no_difference(setting: Setting) -> None:
    program, first, second = setting
    program.up(**first)
    assert program.plan(**second).changes
    program.up(**second)
    assert program.plan(**second).changes == ()
    assert program.plan(**first).changes


def test_a_change_behind_the_engines_back_is_seen_by_a_refresh_and_undone(setting: Setting) -> None:
    program, first, second = setting
    program.up(**first)
    other = Program(program.kind)
    other.imported("backups")
    other.up(**second)
    program.refresh()
    assert program.plan(**first).changes
    program.up(**first)
    assert program.plan(**first).changes == ()


def test_a_setting_can_be_imported_by_the_buckets_name(setting: Setting) -> None:
    program, first, _ = setting
    program.up(**first)
    other = Program(program.kind)
    other.imported("backups")
    assert other.id == "backups"
    assert other.plan(**first).changes == ()


def test_another_bucket_is_a_replacement(setting: Setting) -> None:
    program, first, _ = setting
    program.up(**first)
    assert program.plan(**{**first, "bucket": "copies"}).replace


def test_a_setting_of_a_bucket_that_is_gone_is_gone(setting: Setting) -> None:
    program, first, _ = setting
    program.up(**first)
    program.id = "no-such-bucket"
    program.refresh()
    assert program.id == ""
    program.id = "no-such-bucket"
    program.destroy()


def test_a_deleted_setting_is_gone_or_as_s3_leaves_it(setting: Setting) -> None:
    program, first, _ = setting
    program.up(**first)
    program.destroy()
    program.refresh()
    if program.kind is BucketVersioning:
        assert program.state["versioningConfiguration"]["status"] == "Suspended"
    elif program.kind is BucketObjectLockConfiguration:
        assert program.state["rule"] == {}
    else:
        assert program.id == ""


def test_versioning_is_never_switched_back_to_disabled() -> None:
    bucket()
    program = Program(BucketVersioning)
    program.up(bucket="backups", **VERSIONED)
    with pytest.raises(ResourceError, match="cannot be changed from Enabled to Disabled"):
        program.plan(bucket="backups", versioningConfiguration={"status": "Disabled"})


def test_disabled_versioning_is_no_call_and_no_difference() -> None:
    bucket()
    program = Program(BucketVersioning)
    program.up(bucket="backups", versioningConfiguration={"status": "Disabled"})
    assert program.plan(bucket="backups", versioningConfiguration={"status": "Disabled"}).changes == ()
    program.destroy()
    assert program.refresh()["versioningConfiguration"]["status"] == "Disabled"


def test_the_owner_is_part_of_the_id() -> None:
    bucket()
    program = Program(BucketVersioning)
    program.up(bucket="backups", expectedBucketOwner="123456789012", **VERSIONED)
    assert program.id == "backups,123456789012"
    program.refresh()
    assert program.plan(bucket="backups", expectedBucketOwner="123456789012", **VERSIONED).changes == ()


def test_a_policy_of_the_same_meaning_is_no_difference() -> None:
    bucket()
    program = Program(BucketPolicy)
    program.up(bucket="backups", policy=POLICY)
    folded = {"Statement": {**DENY, "Action": "s3:*", "Resource": DENY["Resource"][0]}, "Version": "2012-10-17"}
    assert program.plan(bucket="backups", policy=json.dumps(folded)).changes == ()


def test_a_policy_that_is_no_json_is_refused_before_anything_is_called() -> None:
    with pytest.raises(Refused, match="invalid JSON"):
        Program(BucketPolicy).checked(bucket="backups", policy="{")


def test_a_part_of_a_rule_that_somebody_added_is_a_difference() -> None:
    bucket()
    program = Program(BucketLifecycleConfiguration)
    plain = {"id": "all", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 9}}
    program.up(bucket="backups", rules=[plain])
    other = Program(BucketLifecycleConfiguration)
    other.imported("backups")
    other.up(bucket="backups", rules=[{**plain, "noncurrentVersionExpiration": {"noncurrentDays": 1}}])
    program.refresh()
    found = program.plan(bucket="backups", rules=[plain])
    assert [change.path for change in found.changes] == ["rules[0].noncurrentVersionExpiration"]


def test_a_rule_without_a_filter_stands_for_the_whole_bucket() -> None:
    bucket()
    program = Program(BucketLifecycleConfiguration)
    rule = {"id": "all", "status": "Enabled", "expiration": {"days": 9}}
    program.up(bucket="backups", rules=[rule])
    assert program.plan(bucket="backups", rules=[rule]).changes == ()


def test_the_order_of_transitions_is_no_difference() -> None:
    bucket()
    program = Program(BucketLifecycleConfiguration)
    program.up(bucket="backups", rules=LIFECYCLE_RULES)
    turned = {**LIFECYCLE_RULES[1], "transitions": list(reversed(LIFECYCLE_RULES[1]["transitions"]))}
    assert program.plan(bucket="backups", rules=[LIFECYCLE_RULES[0], turned, LIFECYCLE_RULES[2]]).changes == ()


def test_replication_needs_versioning_and_says_so() -> None:
    bucket()
    versioned("copies")
    program = Program(BucketReplicationConfig, timeout=1.0)
    with pytest.raises(ClientError, match="Versioning must be"):
        program.up(bucket="backups", role="arn:aws:iam::123456789012:role/r", rules=[REPLICATION_RULE])


def test_a_rule_without_an_id_gets_one_that_is_no_difference() -> None:
    versioned()
    versioned("copies")
    program = Program(BucketReplicationConfig)
    rule = {key: value for key, value in REPLICATION_RULE.items() if key != "id"}
    inputs = {"bucket": "backups", "role": "arn:aws:iam::123456789012:role/r", "rules": [rule]}
    state = program.up(**inputs)
    assert state["rules"][0]["id"]
    assert program.plan(**inputs).changes == ()


def test_a_setting_of_a_missing_bucket_leaves_nothing_behind() -> None:
    program = Program(BucketVersioning, timeout=0.5)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        program.up(bucket="nowhere", **VERSIONED)
