"""S3 buckets and objects: made as asked, tagged, emptied only when the state says so, imported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.core.operations import PartialFailure
from sandbox.provider.services.s3 import Bucket
from sandbox.provider.services.s3_object import BucketObjectv2
from sandbox.provider.services.s3_protection import BucketObjectLockConfiguration
from tests.unit.provider.buckets import bucket, versioned
from tests.unit.provider.program import Program, Refused, cloud


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with cloud():
        yield


def test_the_whole_bucket_is_described() -> None:
    made = bucket("backups", "us-west-2", tags={"site": "secondary"})
    assert made.id == "backups"
    assert made.state == {
        "id": "backups",
        "bucket": "backups",
        "arn": "arn:aws:s3:::backups",
        "bucketDomainName": "backups.s3.amazonaws.com",
        "bucketRegionalDomainName": "backups.s3.us-west-2.amazonaws.com",
        "bucketRegion": "us-west-2",
        "hostedZoneId": "Z3BJ6K6RIION7M",
        "objectLockEnabled": False,
        "forceDestroy": False,
        "region": "us-west-2",
        "tags": {"site": "secondary"},
        "tagsAll": {"site": "secondary"},
    }


def test_a_bucket_is_imported_with_its_tags() -> None:
    bucket("backups", tags={"a": "1"}, objectLockEnabled=True)
    other = Program(Bucket)
    other.imported("backups")
    assert other.plan(bucket="backups", tags={"a": "1"}, objectLockEnabled=True).changes == ()


def test_tags_are_changed_in_place_and_removed() -> None:
    made = bucket(tags={"a": "1", "b": "2"})
    made.up(bucket="backups", tags={"a": "3"})
    assert made.refresh()["tags"] == {"a": "3"}
    made.up(bucket="backups")
    assert made.refresh()["tags"] == {}


def test_tags_that_somebody_removed_are_a_difference() -> None:
    made = bucket(tags={"a": "1"})
    made.client("s3").delete_bucket_tagging(Bucket="backups")
    made.refresh()
    assert made.plan(bucket="backups", tags={"a": "1"}).changes


def test_object_lock_and_the_name_replace_and_a_given_name_deletes_first() -> None:
    made = bucket()
    for inputs in ({"bucket": "other"}, {"bucket": "backups", "objectLockEnabled": True}):
        found = made.plan(**inputs)
        assert found.replace
        assert found.delete_before_replace


def test_a_made_name_is_lower_case_and_stays() -> None:
    made = Program(Bucket, "Backups")
    made.up()
    assert made.id.startswith("backups-")
    assert made.plan().changes == ()


def test_a_bucket_with_objects_is_not_deleted() -> None:
    made = bucket()
    made.client("s3").put_object(Bucket="backups", Key="a", Body=b"1")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        made.destroy()


def test_force_destroy_counts_only_when_it_is_in_the_state() -> None:
    made = bucket()
    made.client("s3").put_object(Bucket="backups", Key="a", Body=b"1")
    made.up(bucket="backups", forceDestroy=True)
    made.destroy()
    made.refresh()
    assert made.id == ""


def test_force_destroy_removes_every_version_and_delete_marker() -> None:
    made = versioned(forceDestroy=True)
    client = made.client("s3")
    for content in (b"1", b"2"):
        client.put_object(Bucket="backups", Key="a", Body=content)
    client.delete_object(Bucket="backups", Key="a")
    made.destroy()
    made.refresh()
    assert made.id == ""


def test_force_destroy_goes_through_governance_retention_and_legal_holds() -> None:
    made = versioned(objectLockEnabled=True, forceDestroy=True)
    Program(BucketObjectLockConfiguration).up(
        bucket="backups", rule={"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}
    )
    client = made.client("s3")
    client.put_object(Bucket="backups", Key="a", Body=b"1")
    client.put_object(Bucket="backups", Key="b", Body=b"1", ObjectLockLegalHoldStatus="ON")
    made.destroy()
    made.refresh()
    assert made.id == ""


def test_a_bucket_that_is_gone_already_is_deleted() -> None:
    made = bucket()
    made.client("s3").delete_bucket(Bucket="backups")
    made.destroy()
    made.refresh()
    assert made.id == ""


@pytest.mark.parametrize("name", ["acl", "versioning", "lifecycleRules", "replicationConfiguration", "policy"])
def test_an_inline_setting_is_refused_and_named(name: str) -> None:
    with pytest.raises(Refused, match=f'"{name}" is not supported by the sandbox.s provider: use the standalone'):
        Program(Bucket).checked(bucket="backups", **{name: "x"})


def test_an_unknown_property_is_refused() -> None:
    with pytest.raises(Refused, match="no such input"):
        Program(Bucket).checked(bukcet="backups")


def test_a_bucket_whose_tags_fail_is_kept_as_unfinished() -> None:
    program = Program(Bucket, timeout=5.0)
    with pytest.raises(PartialFailure) as caught:
        program.up(bucket="backups", tags={"aws:reserved": "1"})
    assert caught.value.resource_id == "backups"


OBJECT = {"bucket": "backups", "key": "switch", "content": "on", "contentType": "text/plain"}


def test_an_object_is_written_and_written_again_when_its_content_changes() -> None:
    versioned()
    program = Program(BucketObjectv2)
    first = program.up(**OBJECT, tags={"a": "1"})["versionId"]
    assert program.plan(**OBJECT, tags={"a": "1"}).changes == ()
    second = program.up(**{**OBJECT, "content": "off"}, tags={"a": "1"})["versionId"]
    assert first != second
    assert program.client("s3").get_object(Bucket="backups", Key="switch")["Body"].read() == b"off"


def test_a_deleted_object_leaves_no_version() -> None:
    versioned()
    program = Program(BucketObjectv2)
    program.up(**OBJECT)
    program.up(**{**OBJECT, "content": "off"})
    program.client("s3").put_object(Bucket="backups", Key="switchboard", Body=b"stays")
    program.destroy()
    left = program.client("s3").list_object_versions(Bucket="backups")["Versions"]
    assert [item["Key"] for item in left] == ["switchboard"]


def test_an_object_that_is_gone_is_gone() -> None:
    bucket()
    program = Program(BucketObjectv2)
    program.up(**OBJECT)
    program.client("s3").delete_object(Bucket="backups", Key="switch")
    program.refresh()
    assert program.id == ""


def test_an_object_can_be_imported() -> None:
    bucket()
    Program(BucketObjectv2).up(**OBJECT)
    other = Program(BucketObjectv2)
    assert other.imported("backups/switch")["contentType"] == "text/plain"


def test_an_objects_file_is_refused() -> None:
    with pytest.raises(Refused, match='"source" is not supported'):
        Program(BucketObjectv2).checked(bucket="backups", key="k", source="file")
