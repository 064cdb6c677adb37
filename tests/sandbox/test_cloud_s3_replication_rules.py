"""Which replication configurations S3 takes, what it shows of them, and how encrypted and locked objects replicate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.cloud_fixtures import unique
from tests.sandbox.cloud_s3 import EAST, REPLICATE, USE_KEYS, WEST, Site, make_role, make_site, replicate, rule

Client = Callable[..., Any]
TIME_CONTROL = {"Status": "Enabled", "Time": {"Minutes": 15}}
METRICS = {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}


@pytest.fixture(scope="module")
def role(client: Client) -> str:
    return make_role(client, REPLICATE, USE_KEYS)


@pytest.fixture(scope="module")
def east(client: Client) -> Site:
    return make_site(client, EAST, "east")


@pytest.fixture(scope="module")
def west(client: Client) -> Site:
    return make_site(client, WEST, "west")


def refused(source: Site, role: str, *rules: dict[str, Any]) -> tuple[str, str]:
    """Code and message of what S3 answers."""
    with pytest.raises(ClientError) as caught:
        replicate(source, role, *rules)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_configuration_is_shown_as_it_was_put(east: Site, west: Site, role: str) -> None:
    first = rule(west, destination__ReplicationTime=TIME_CONTROL, destination__Metrics=METRICS)
    second = rule(
        west,
        ID="two",
        Priority=2,
        Filter={"And": {"Prefix": "a/", "Tags": [{"Key": "x", "Value": "1"}]}},
        DeleteMarkerReplication={"Status": "Disabled"},
        destination__StorageClass="STANDARD_IA",
    )
    replicate(east, role, first, second)
    shown = east.s3.get_bucket_replication(Bucket=east.bucket)["ReplicationConfiguration"]
    assert shown == {"Role": role, "Rules": [first, second]}


def test_a_rule_without_an_id_gets_one(east: Site, west: Site, role: str) -> None:
    anonymous = rule(west)
    del anonymous["ID"]
    replicate(east, role, anonymous)
    assert east.s3.get_bucket_replication(Bucket=east.bucket)["ReplicationConfiguration"]["Rules"][0]["ID"]


def test_the_source_must_be_versioned(client: Client, west: Site, role: str) -> None:
    bucket = unique("plain")
    client("s3").create_bucket(Bucket=bucket)
    assert refused(Site(client("s3"), bucket, EAST), role, rule(west)) == (
        "InvalidRequest",
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
    )


def test_the_destination_must_exist_and_be_versioned(client: Client, east: Site, role: str) -> None:
    nowhere = Site(client("s3"), unique("nowhere"), EAST)
    assert refused(east, role, rule(nowhere)) == ("InvalidRequest", "Destination bucket must exist.")
    client("s3").create_bucket(Bucket=nowhere.bucket)
    assert refused(east, role, rule(nowhere)) == (
        "InvalidRequest",
        "Destination bucket must have versioning enabled.",
    )


@pytest.mark.parametrize("element", ["Priority", "DeleteMarkerReplication"])
def test_a_rule_with_a_filter_needs_priority_and_delete_markers(
    east: Site, west: Site, role: str, element: str
) -> None:
    incomplete = rule(west)
    del incomplete[element]
    code, message = refused(east, role, incomplete)
    assert (code, message.split(" for ")[0]) == ("InvalidRequest", f"{element} must be specified")


def test_priorities_and_ids_are_unique(east: Site, west: Site, role: str) -> None:
    assert refused(east, role, rule(west), rule(west, ID="two")) == ("InvalidRequest", "Found duplicate priority 1.")
    assert refused(east, role, rule(west), rule(west, Priority=2)) == ("InvalidArgument", "Rule Id must be unique")


def test_delete_markers_do_not_go_with_tags(east: Site, west: Site, role: str) -> None:
    code, message = refused(east, role, rule(west, Filter={"Tag": {"Key": "a", "Value": "b"}}))
    assert (code, message.split(".")[0]) == (
        "InvalidRequest",
        "Delete marker replication is not supported if any Tag filter is specified",
    )


def test_time_control_needs_metrics_and_15_minutes(east: Site, west: Site, role: str) -> None:
    assert refused(east, role, rule(west, destination__ReplicationTime=TIME_CONTROL)) == (
        "InvalidRequest",
        "Replication destination must contain both ReplicationTime and Metrics or neither.",
    )
    five = {"Status": "Enabled", "Time": {"Minutes": 5}}
    wrong = rule(west, destination__ReplicationTime=five, destination__Metrics=METRICS)
    assert refused(east, role, wrong) == ("InvalidArgument", "Invalid time minute value")


def test_a_threshold_needs_time_control(east: Site, west: Site, role: str) -> None:
    code, message = refused(east, role, rule(west, destination__Metrics=METRICS))
    assert code == "InvalidArgument"
    assert message.startswith("Metrics cannot contain an event threshold when ReplicationTime is not specified")


def test_kms_objects_and_the_replica_s_key_go_together(east: Site, west: Site, role: str) -> None:
    selection = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    assert refused(east, role, rule(west, SourceSelectionCriteria=selection)) == (
        "InvalidRequest",
        "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.",
    )
    key = {"ReplicaKmsKeyID": "arn:aws:kms:us-west-2:123456789012:key/1"}
    assert refused(east, role, rule(west, destination__EncryptionConfiguration=key)) == (
        "InvalidRequest",
        "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.",
    )


def test_a_bucket_is_not_its_own_destination(east: Site, role: str) -> None:
    assert refused(east, role, rule(east)) == (
        "InvalidRequest",
        "Destination bucket cannot be the same as the source bucket.",
    )


def test_a_role_must_be_one(east: Site, west: Site) -> None:
    assert refused(east, "arn:aws:iam::123456789012:user/x", rule(west))[0] == "InvalidArgument"


def test_versioning_cannot_be_suspended_while_a_configuration_is_there(east: Site, west: Site, role: str) -> None:
    replicate(east, role, rule(west))
    with pytest.raises(ClientError) as caught:
        east.s3.put_bucket_versioning(Bucket=east.bucket, VersioningConfiguration={"Status": "Suspended"})
    assert caught.value.response["Error"]["Code"] == "InvalidBucketState"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_an_old_style_rule_takes_delete_markers_along(client: Client, role: str) -> None:
    source, destination = make_site(client, EAST), make_site(client, WEST)
    old = {"ID": "old", "Prefix": "", "Status": "Enabled", "Destination": {"Bucket": destination.arn}}
    replicate(source, role, old)
    assert source.s3.get_bucket_replication(Bucket=source.bucket)["ReplicationConfiguration"]["Rules"] == [old]
    source.put("a")
    source.settled("a")
    marker = source.s3.delete_object(Bucket=source.bucket, Key="a")["VersionId"]
    source.put("b")
    source.settled("b")
    assert destination.markers("a") == [marker]


# -- encryption ------------------------------------------------------------------------------------------------------


def encrypted(client: Client, region: str) -> tuple[Site, str]:
    """A bucket that encrypts with a key of its region, and the key."""
    site = make_site(client, region, "encrypted")
    key = client("kms", region).create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]}
    site.s3.put_bucket_encryption(Bucket=site.bucket, ServerSideEncryptionConfiguration=rules)
    return site, key


def with_key(destination: Site, key: str) -> dict[str, Any]:
    return rule(
        destination,
        SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        destination__EncryptionConfiguration={"ReplicaKmsKeyID": key},
    )


def test_an_encrypted_object_is_encrypted_again_with_the_destination_s_key(client: Client, role: str) -> None:
    (source, source_key), (destination, key) = encrypted(client, EAST), encrypted(client, WEST)
    replicate(source, role, with_key(destination, key))
    source.put("a")
    assert source.settled("a") == "COMPLETED"
    original, copy = source.head("a"), destination.head("a")
    assert (original["ServerSideEncryption"], original["SSEKMSKeyId"]) == ("aws:kms", source_key)
    assert (copy["ServerSideEncryption"], copy["SSEKMSKeyId"]) == ("aws:kms", key)
    assert original["BucketKeyEnabled"]
    assert copy["BucketKeyEnabled"]


def test_encrypted_objects_stay_unless_the_rule_wants_them(client: Client, role: str) -> None:
    (source, _), destination = encrypted(client, EAST), make_site(client, WEST)
    replicate(source, role, rule(destination))
    source.put("kms")
    source.put("sse-s3", ServerSideEncryption="AES256")
    assert source.settled("sse-s3") == "COMPLETED"
    assert source.status("kms") is None
    assert not destination.has("kms")


def test_a_destination_key_that_cannot_be_used_fails(client: Client, role: str) -> None:
    (source, source_key), (destination, key) = encrypted(client, EAST), encrypted(client, WEST)
    replicate(source, role, with_key(destination, key))
    client("kms", WEST).disable_key(KeyId=key.rsplit("/", 1)[-1])
    source.put("disabled")
    assert source.settled("disabled") == "FAILED"
    replicate(source, role, with_key(destination, source_key))
    source.put("other-region")
    assert source.settled("other-region") == "FAILED"


def test_a_role_without_the_key_fails(client: Client) -> None:
    (source, _), (destination, key) = encrypted(client, EAST), encrypted(client, WEST)
    replicate(source, make_role(client, REPLICATE), with_key(destination, key))
    source.put("a")
    assert source.settled("a") == "FAILED"


# -- Object Lock -----------------------------------------------------------------------------------------------------


def test_a_lock_replicates_and_so_do_its_changes(client: Client, role: str) -> None:
    source, destination = make_site(client, EAST, lock=True), make_site(client, WEST, lock=True)
    replicate(source, role, rule(destination))
    until_then = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until_then}
    version = source.put("locked", **lock)
    assert source.settled("locked") == "COMPLETED"
    copy = destination.head("locked")
    assert (copy["ObjectLockMode"], copy["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until_then)
    with pytest.raises(ClientError, match="AccessDenied"):
        destination.s3.delete_object(Bucket=destination.bucket, Key="locked", VersionId=version)
    hold = {"Status": "ON"}
    source.s3.put_object_legal_hold(Bucket=source.bucket, Key="locked", LegalHold=hold)
    source.settled("locked")
    shown = destination.s3.get_object_legal_hold(Bucket=destination.bucket, Key="locked")
    assert shown["LegalHold"] == hold


def test_a_locked_source_needs_a_locked_destination(client: Client, role: str) -> None:
    source, destination = make_site(client, EAST, lock=True), make_site(client, WEST)
    replicate(source, role, rule(destination))
    source.put("a")
    assert source.settled("a") == "FAILED"
