"""S3 replication between two regions, as clients see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.cloud_fixtures import until
from tests.sandbox.cloud_s3 import EAST, REPLICATE, USE_KEYS, WEST, Site, make_role, make_site, policy, replicate, rule

Client = Callable[..., Any]


@pytest.fixture(scope="module")
def role(client: Client) -> str:
    return make_role(client, REPLICATE, USE_KEYS)


@pytest.fixture
def east(client: Client) -> Site:
    return make_site(client, EAST, "east")


@pytest.fixture
def west(client: Client) -> Site:
    return make_site(client, WEST, "west")


@pytest.fixture
def pair(east: Site, west: Site, role: str) -> tuple[Site, Site]:
    """Both ways."""
    replicate(east, role, rule(west))
    replicate(west, role, rule(east))
    return east, west


def test_an_object_arrives_with_its_version_metadata_and_tags(pair: tuple[Site, Site]) -> None:
    east, west = pair
    version = east.put(
        "database/dump",
        b"rows",
        Metadata={"lsn": "0/1A"},
        ContentType="application/x-dump",
        CacheControl="no-store",
        Tagging="kind=export",
    )
    assert east.settled("database/dump") == "COMPLETED"
    copy = west.s3.get_object(Bucket=west.bucket, Key="database/dump")
    assert copy["Body"].read() == b"rows"
    assert copy["VersionId"] == version
    assert copy["ReplicationStatus"] == "REPLICA"
    assert (copy["Metadata"], copy["ContentType"], copy["CacheControl"]) == (
        {"lsn": "0/1A"},
        "application/x-dump",
        "no-store",
    )
    tags = west.s3.get_object_tagging(Bucket=west.bucket, Key="database/dump")["TagSet"]
    assert tags == [{"Key": "kind", "Value": "export"}]


def test_a_replica_keeps_the_creation_time_and_the_etag(pair: tuple[Site, Site]) -> None:
    east, west = pair
    east.put("a", b"same")
    east.settled("a")
    original, copy = east.head("a"), west.head("a")
    assert (copy["LastModified"], copy["ETag"]) == (original["LastModified"], original["ETag"])


def test_both_ways_do_not_go_in_circles(pair: tuple[Site, Site]) -> None:
    east, west = pair
    east.put("from-east")
    west.put("from-west")
    assert east.settled("from-east") == west.settled("from-west") == "COMPLETED"
    assert (west.status("from-east"), east.status("from-west")) == ("REPLICA", "REPLICA")
    for site in pair:
        versions = site.s3.list_object_versions(Bucket=site.bucket)["Versions"]
        assert sorted(version["Key"] for version in versions) == ["from-east", "from-west"]


def test_what_was_written_before_the_rule_stays_where_it_is(east: Site, west: Site, role: str) -> None:
    east.put("before")
    replicate(east, role, rule(west))
    east.put("after")
    assert east.settled("after") == "COMPLETED"
    assert east.status("before") is None
    assert not west.has("before")


def test_a_delete_marker_replicates(pair: tuple[Site, Site]) -> None:
    east, west = pair
    east.put("gone")
    east.settled("gone")
    marker = east.s3.delete_object(Bucket=east.bucket, Key="gone")["VersionId"]
    until(lambda: not west.has("gone"))
    assert west.markers("gone") == [marker]


def test_a_delete_marker_stays_when_the_rule_says_so(east: Site, west: Site, role: str) -> None:
    replicate(east, role, rule(west, DeleteMarkerReplication={"Status": "Disabled"}))
    east.put("kept")
    east.settled("kept")
    east.s3.delete_object(Bucket=east.bucket, Key="kept")
    east.put("later")
    east.settled("later")
    assert west.has("kept")


def test_deleting_one_version_is_never_replicated(pair: tuple[Site, Site]) -> None:
    east, west = pair
    version = east.put("precious")
    east.settled("precious")
    east.s3.delete_object(Bucket=east.bucket, Key="precious", VersionId=version)
    east.put("later")
    east.settled("later")
    assert west.head("precious")["VersionId"] == version


def test_later_tags_follow_the_object(pair: tuple[Site, Site]) -> None:
    east, west = pair
    east.put("tagged")
    east.settled("tagged")
    east.s3.put_object_tagging(
        Bucket=east.bucket, Key="tagged", Tagging={"TagSet": [{"Key": "state", "Value": "certified"}]}
    )
    until(lambda: west.s3.get_object_tagging(Bucket=west.bucket, Key="tagged")["TagSet"])
    assert west.s3.get_object_tagging(Bucket=west.bucket, Key="tagged")["TagSet"] == [
        {"Key": "state", "Value": "certified"}
    ]
    assert east.settled("tagged") == "COMPLETED"
    east.s3.delete_object_tagging(Bucket=east.bucket, Key="tagged")
    until(lambda: not west.s3.get_object_tagging(Bucket=west.bucket, Key="tagged")["TagSet"])


def test_tags_of_a_replica_travel_back_only_with_modification_sync(east: Site, west: Site, role: str) -> None:
    sync = {"SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}}}
    replicate(east, role, rule(west))
    replicate(west, role, rule(east, **sync))
    east.put("tagged")
    east.settled("tagged")
    tags = {"TagSet": [{"Key": "seen", "Value": "west"}]}
    west.s3.put_object_tagging(Bucket=west.bucket, Key="tagged", Tagging=tags)
    until(lambda: east.s3.get_object_tagging(Bucket=east.bucket, Key="tagged")["TagSet"] == tags["TagSet"])
    until(lambda: west.status("tagged") == "REPLICA")
    replicate(west, role, rule(east))
    west.s3.put_object_tagging(Bucket=west.bucket, Key="tagged", Tagging={"TagSet": []})
    west.put("later")
    west.settled("later")
    assert east.s3.get_object_tagging(Bucket=east.bucket, Key="tagged")["TagSet"] == tags["TagSet"]


def test_a_prefix_selects(east: Site, west: Site, role: str) -> None:
    replicate(east, role, rule(west, Filter={"Prefix": "database/"}))
    east.put("logs/1")
    east.put("database/1")
    assert east.settled("database/1") == "COMPLETED"
    assert east.status("logs/1") is None
    assert not west.has("logs/1")


def test_tags_select_and_all_of_them_must_fit(east: Site, west: Site, role: str) -> None:
    both = {"And": {"Prefix": "a/", "Tags": [{"Key": "x", "Value": "1"}, {"Key": "y", "Value": "2"}]}}
    replicate(east, role, rule(west, Filter=both, DeleteMarkerReplication={"Status": "Disabled"}))
    east.put("a/one", Tagging="x=1")
    east.put("b/both", Tagging="x=1&y=2")
    east.put("a/both", Tagging="x=1&y=2&z=3")
    assert east.settled("a/both") == "COMPLETED"
    assert (east.status("a/one"), east.status("b/both")) == (None, None)


def test_a_disabled_rule_does_nothing(east: Site, west: Site, role: str) -> None:
    replicate(east, role, rule(west, Status="Disabled"))
    east.put("a")
    assert east.status("a") is None


def test_of_two_rules_to_one_bucket_the_higher_priority_is_followed(east: Site, west: Site, role: str) -> None:
    low = rule(west, ID="low", Priority=1, destination__StorageClass="STANDARD_IA")
    high = rule(west, ID="high", Priority=9, Filter={"Prefix": "cold/"}, destination__StorageClass="GLACIER_IR")
    replicate(east, role, low, high)
    east.put("cold/a")
    east.put("warm/a")
    east.settled("cold/a")
    east.settled("warm/a")
    assert (west.head("cold/a")["StorageClass"], west.head("warm/a")["StorageClass"]) == ("GLACIER_IR", "STANDARD_IA")


def test_with_two_destinations_it_is_complete_when_both_are(client: Client, east: Site, west: Site, role: str) -> None:
    other = make_site(client, WEST, "other")
    replicate(east, role, rule(west), rule(other, ID="other", Priority=2))
    east.put("twice")
    assert east.settled("twice") == "COMPLETED"
    assert west.status("twice") == other.status("twice") == "REPLICA"
    other.s3.put_bucket_versioning(Bucket=other.bucket, VersioningConfiguration={"Status": "Suspended"})
    east.put("half")
    until(lambda: east.status("half") == "FAILED")
    until(lambda: west.has("half"))


def test_a_multipart_upload_and_a_copy_replicate(pair: tuple[Site, Site]) -> None:
    east, west = pair
    upload = east.s3.create_multipart_upload(Bucket=east.bucket, Key="parts", Metadata={"a": "1"})["UploadId"]
    part = east.s3.upload_part(Bucket=east.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"one")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    east.s3.complete_multipart_upload(Bucket=east.bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    east.s3.copy_object(Bucket=east.bucket, Key="copy", CopySource={"Bucket": east.bucket, "Key": "parts"})
    assert east.settled("parts") == east.settled("copy") == "COMPLETED"
    assert west.head("parts")["ETag"] == east.head("parts")["ETag"]
    assert west.head("copy")["Metadata"] == {"a": "1"}


def test_versions_lie_in_the_order_of_their_times_in_both_buckets(pair: tuple[Site, Site]) -> None:
    east, west = pair
    east.put("doc", b"1")
    east.settled("doc")
    west.put("doc", b"2")
    west.settled("doc")
    east.put("doc", b"3")
    east.settled("doc")
    for site in pair:
        assert site.s3.get_object(Bucket=site.bucket, Key="doc")["Body"].read() == b"3"
        assert len(site.s3.list_object_versions(Bucket=site.bucket, Prefix="doc")["Versions"]) == 3


def test_a_destination_that_is_gone_fails(east: Site, west: Site, role: str) -> None:
    replicate(east, role, rule(west))
    west.s3.delete_bucket(Bucket=west.bucket)
    east.put("lost")
    assert east.settled("lost") == "FAILED"


def test_suspended_versioning_at_the_destination_fails(east: Site, west: Site, role: str) -> None:
    replicate(east, role, rule(west))
    west.s3.put_bucket_versioning(Bucket=west.bucket, VersioningConfiguration={"Status": "Suspended"})
    east.put("lost")
    assert east.settled("lost") == "FAILED"


def test_a_role_that_s3_may_not_assume_fails(client: Client, east: Site, west: Site) -> None:
    wrong = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for role in ("arn:aws:iam::123456789012:role/none", make_role(client, REPLICATE, trust=wrong)):
        replicate(east, role, rule(west))
        east.put("lost")
        assert east.settled("lost") == "FAILED"


def test_a_role_without_the_permission_fails(client: Client, east: Site, west: Site) -> None:
    only = {**REPLICATE, "Resource": f"{west.arn}/allowed/*"}
    read = {**REPLICATE, "Action": "s3:GetObjectVersionForReplication"}
    replicate(east, make_role(client, only, read), rule(west))
    east.put("allowed/a")
    east.put("other/a")
    assert (east.settled("allowed/a"), east.settled("other/a")) == ("COMPLETED", "FAILED")


def test_a_bucket_policy_that_denies_replication_fails(east: Site, west: Site, role: str) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:ReplicateObject", "Resource": f"{west.arn}/*"}
    west.s3.put_bucket_policy(Bucket=west.bucket, Policy=policy(deny))
    replicate(east, role, rule(west))
    east.put("lost")
    assert east.settled("lost") == "FAILED"


def test_a_failure_is_not_tried_again(east: Site, west: Site, role: str) -> None:
    replicate(east, role, rule(west))
    west.s3.put_bucket_versioning(Bucket=west.bucket, VersioningConfiguration={"Status": "Suspended"})
    east.put("lost")
    east.settled("lost")
    west.s3.put_bucket_versioning(Bucket=west.bucket, VersioningConfiguration={"Status": "Enabled"})
    east.put("later")
    assert east.settled("later") == "COMPLETED"
    assert east.status("lost") == "FAILED"


def test_a_removed_configuration_stops_replication(pair: tuple[Site, Site]) -> None:
    east, _ = pair
    east.s3.delete_bucket_replication(Bucket=east.bucket)
    east.put("a")
    assert east.status("a") is None
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFoundError"):
        east.s3.get_bucket_replication(Bucket=east.bucket)


def test_failures_are_counted_in_the_source_s_region(client: Client, east: Site, west: Site, role: str) -> None:
    metrics = {"destination__Metrics": {"Status": "Enabled"}}
    replicate(east, role, rule(west, **metrics))
    west.s3.delete_bucket(Bucket=west.bucket)
    east.put("lost")
    wanted = {"SourceBucket": east.bucket, "DestinationBucket": west.bucket, "RuleId": "everything"}
    dimensions = [{"Name": name, "Value": value} for name, value in wanted.items()]

    def listed(region: str) -> list[Any]:
        found = client("cloudwatch", region).list_metrics(
            Namespace="AWS/S3", MetricName="OperationsFailedReplication", Dimensions=dimensions
        )
        return list(found["Metrics"])

    until(lambda: listed(EAST))
    assert listed(WEST) == []
