"""Versions, conditional writes and deletions of S3."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.cloud_fixtures import unique
from tests.sandbox.cloud_s3 import EAST, Site, make_site

Client = Callable[..., Any]


@pytest.fixture
def site(client: Client) -> Site:
    return make_site(client, EAST)


def suspend(site: Site) -> None:
    site.s3.put_bucket_versioning(Bucket=site.bucket, VersioningConfiguration={"Status": "Suspended"})


def code_of(error: ClientError) -> tuple[str, int]:
    return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_only_the_first_of_two_creators_succeeds(site: Site) -> None:
    site.put("lock", b"first", IfNoneMatch="*")
    with pytest.raises(ClientError) as caught:
        site.put("lock", b"second", IfNoneMatch="*")
    assert code_of(caught.value) == ("PreconditionFailed", 412)
    assert site.s3.get_object(Bucket=site.bucket, Key="lock")["Body"].read() == b"first"


def test_a_lock_that_was_deleted_can_be_taken_again(site: Site) -> None:
    site.put("lock", IfNoneMatch="*")
    site.s3.delete_object(Bucket=site.bucket, Key="lock")
    assert site.put("lock", IfNoneMatch="*")


def test_of_many_creators_at_the_same_time_exactly_one_succeeds(site: Site) -> None:
    def create(number: int) -> str:
        try:
            site.put("lock", str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return code_of(error)[0]
        return "won"

    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(create, range(36)))
    assert sorted(set(outcomes)) == ["PreconditionFailed", "won"]
    assert outcomes.count("won") == 1
    assert len(site.s3.list_object_versions(Bucket=site.bucket)["Versions"]) == 1


def test_of_many_writers_of_the_same_state_exactly_one_succeeds(site: Site) -> None:
    etag = site.s3.put_object(Bucket=site.bucket, Key="state", Body=b"0")["ETag"]

    def write(number: int) -> str:
        try:
            site.put("state", f"by {number}".encode(), IfMatch=etag)
        except ClientError as error:
            return code_of(error)[0]
        return "won"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(write, range(16)))
    assert outcomes == ["PreconditionFailed"] * 15 + ["won"]


def test_if_match_of_an_object_that_is_not_there_is_404(site: Site) -> None:
    with pytest.raises(ClientError) as caught:
        site.put("none", IfMatch='"x"')
    assert code_of(caught.value) == ("NoSuchKey", 404)


def test_if_none_match_takes_a_star_only(site: Site) -> None:
    with pytest.raises(ClientError) as caught:
        site.put("a", IfNoneMatch='"etag"')
    assert code_of(caught.value) == ("NotImplemented", 501)


@pytest.mark.parametrize("condition", [{"IfNoneMatch": "*"}, {"IfMatch": '"other"'}])
def test_a_multipart_upload_completes_under_conditions(site: Site, condition: dict[str, str]) -> None:
    upload = site.s3.create_multipart_upload(Bucket=site.bucket, Key="a")["UploadId"]
    part = site.s3.upload_part(Bucket=site.bucket, Key="a", UploadId=upload, PartNumber=1, Body=b"x")
    site.put("a", b"meanwhile")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with pytest.raises(ClientError) as caught:
        site.s3.complete_multipart_upload(
            Bucket=site.bucket, Key="a", UploadId=upload, MultipartUpload=parts, **condition
        )
    assert code_of(caught.value) == ("PreconditionFailed", 412)


def test_a_delete_under_a_condition(site: Site) -> None:
    site.put("a")
    with pytest.raises(ClientError) as caught:
        site.s3.delete_object(Bucket=site.bucket, Key="a", IfMatch='"other"')
    assert code_of(caught.value) == ("PreconditionFailed", 412)
    assert site.has("a")


def test_suspended_versioning_keeps_the_versions_that_are_there(site: Site) -> None:
    old = site.put("a", b"old")
    suspend(site)
    assert site.s3.put_object(Bucket=site.bucket, Key="a", Body=b"null 1").get("VersionId") in {None, "null"}
    site.s3.put_object(Bucket=site.bucket, Key="a", Body=b"null 2")
    versions = {found["VersionId"] for found in site.s3.list_object_versions(Bucket=site.bucket)["Versions"]}
    assert versions == {old, "null"}
    assert site.s3.get_object(Bucket=site.bucket, Key="a", VersionId=old)["Body"].read() == b"old"
    assert site.s3.get_object(Bucket=site.bucket, Key="a")["Body"].read() == b"null 2"


def test_a_delete_under_suspended_versioning_leaves_old_versions(site: Site) -> None:
    old = site.put("a")
    suspend(site)
    site.s3.delete_object(Bucket=site.bucket, Key="a")
    assert not site.has("a")
    found = site.s3.list_object_versions(Bucket=site.bucket)
    assert [version["VersionId"] for version in found["Versions"]] == [old]
    assert [marker["VersionId"] for marker in found["DeleteMarkers"]] == ["null"]


def test_deleting_a_delete_marker_brings_the_object_back(site: Site) -> None:
    site.put("a")
    marker = site.s3.delete_object(Bucket=site.bucket, Key="a")["VersionId"]
    answer = site.s3.delete_object(Bucket=site.bucket, Key="a", VersionId=marker)
    assert answer["DeleteMarker"]
    assert site.has("a")


def test_deleting_what_is_not_there_leaves_a_marker(site: Site) -> None:
    answer = site.s3.delete_object(Bucket=site.bucket, Key="never")
    assert answer["DeleteMarker"]
    assert site.markers("never") == [answer["VersionId"]]


def test_a_bucket_with_versions_or_markers_cannot_be_deleted(site: Site) -> None:
    version = site.put("a")
    marker = site.s3.delete_object(Bucket=site.bucket, Key="a")["VersionId"]
    for left in (version, marker):
        with pytest.raises(ClientError) as caught:
            site.s3.delete_bucket(Bucket=site.bucket)
        assert code_of(caught.value) == ("BucketNotEmpty", 409)
        site.s3.delete_object(Bucket=site.bucket, Key="a", VersionId=left)
    site.s3.delete_bucket(Bucket=site.bucket)
    with pytest.raises(ClientError, match="404"):
        site.s3.head_bucket(Bucket=site.bucket)


def test_a_copy_onto_itself_must_change_something(client: Client) -> None:
    s3, bucket = client("s3"), unique("copy")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    source = {"Bucket": bucket, "Key": "a"}
    with pytest.raises(ClientError, match="InvalidRequest"):
        s3.copy_object(Bucket=bucket, Key="a", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="a", CopySource=source, MetadataDirective="REPLACE", Metadata={"a": "1"})
    assert s3.head_object(Bucket=bucket, Key="a")["Metadata"] == {"a": "1"}


def test_no_tags_at_all_are_fine(site: Site) -> None:
    site.put("a", Tagging="x=1")
    site.s3.put_object_tagging(Bucket=site.bucket, Key="a", Tagging={"TagSet": []})
    assert site.s3.get_object_tagging(Bucket=site.bucket, Key="a")["TagSet"] == []
