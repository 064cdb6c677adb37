"""Object Lock holds: what is locked cannot be deleted or unlocked before its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.cloud_s3 import EAST, Site, make_site

Client = Callable[..., Any]
BYPASS = {"BypassGovernanceRetention": True}


@pytest.fixture(scope="module")
def site(client: Client) -> Site:
    return make_site(client, EAST, "locked", lock=True)


def in_days(days: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


def lock(mode: str, days: int = 2) -> dict[str, Any]:
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": in_days(days)}


def delete(site: Site, key: str, version: str, **details: Any) -> None:
    site.s3.delete_object(Bucket=site.bucket, Key=key, VersionId=version, **details)


def retain(site: Site, key: str, mode: str, days: int, **details: Any) -> None:
    retention = {"Mode": mode, "RetainUntilDate": in_days(days)}
    site.s3.put_object_retention(Bucket=site.bucket, Key=key, Retention=retention, **details)


def test_a_locked_version_cannot_be_deleted(site: Site) -> None:
    for mode in ("GOVERNANCE", "COMPLIANCE"):
        version = site.put(mode, **lock(mode))
        with pytest.raises(ClientError) as caught:
            delete(site, mode, version)
        assert caught.value.response["Error"]["Code"] == "AccessDenied"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert site.head(mode, VersionId=version)["ObjectLockMode"] == mode


def test_a_delete_without_a_version_hides_it_and_nothing_more(site: Site) -> None:
    version = site.put("hidden", **lock("COMPLIANCE"))
    site.s3.delete_object(Bucket=site.bucket, Key="hidden")
    assert not site.has("hidden")
    assert site.head("hidden", VersionId=version)["ContentLength"] == 1


def test_governance_is_bypassed_by_who_says_so_only(site: Site) -> None:
    version = site.put("governed", **lock("GOVERNANCE"))
    with pytest.raises(ClientError, match="AccessDenied"):
        delete(site, "governed", version, BypassGovernanceRetention=False)
    delete(site, "governed", version, **BYPASS)
    with pytest.raises(ClientError, match="404"):
        site.head("governed", VersionId=version)


def test_compliance_is_bypassed_by_nobody(site: Site) -> None:
    version = site.put("compliant", **lock("COMPLIANCE"))
    with pytest.raises(ClientError, match="AccessDenied"):
        delete(site, "compliant", version, **BYPASS)
    for mode, days in (("COMPLIANCE", 1), ("GOVERNANCE", 5)):
        with pytest.raises(ClientError, match="AccessDenied"):
            retain(site, "compliant", mode, days, **BYPASS)


def test_retention_is_lengthened_by_anybody_and_shortened_in_governance_only(site: Site) -> None:
    for mode in ("COMPLIANCE", "GOVERNANCE"):
        site.put(f"longer-{mode}", **lock(mode))
        retain(site, f"longer-{mode}", mode, 9)
        shown = site.s3.get_object_retention(Bucket=site.bucket, Key=f"longer-{mode}")["Retention"]
        assert shown == {"Mode": mode, "RetainUntilDate": in_days(9)} or shown["RetainUntilDate"] > in_days(8)
        with pytest.raises(ClientError, match="AccessDenied"):
            retain(site, f"longer-{mode}", mode, 1)
    retain(site, "longer-GOVERNANCE", "GOVERNANCE", 1, **BYPASS)


def test_a_legal_hold_holds_until_it_is_lifted(site: Site) -> None:
    version = site.put("held", ObjectLockLegalHoldStatus="ON")
    with pytest.raises(ClientError, match="AccessDenied"):
        delete(site, "held", version, **BYPASS)
    site.s3.put_object_legal_hold(Bucket=site.bucket, Key="held", LegalHold={"Status": "OFF"})
    delete(site, "held", version)


def test_many_deletes_at_once_spare_the_locked_ones(site: Site) -> None:
    locked, free = site.put("many-locked", **lock("COMPLIANCE")), site.put("many-free")
    objects = [{"Key": "many-locked", "VersionId": locked}, {"Key": "many-free", "VersionId": free}]
    answer = site.s3.delete_objects(Bucket=site.bucket, Delete={"Objects": objects})
    assert [deleted["Key"] for deleted in answer["Deleted"]] == ["many-free"]
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [("many-locked", "AccessDenied")]


def test_the_bucket_s_default_locks_every_new_version(client: Client) -> None:
    site = make_site(client, EAST, "default", lock=True)
    site.put("before")
    default = {"Mode": "COMPLIANCE", "Days": 1}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": default}}
    site.s3.put_object_lock_configuration(Bucket=site.bucket, ObjectLockConfiguration=configuration)
    assert site.s3.get_object_lock_configuration(Bucket=site.bucket)["ObjectLockConfiguration"] == configuration
    site.put("put")
    site.s3.copy_object(Bucket=site.bucket, Key="copy", CopySource={"Bucket": site.bucket, "Key": "before"})
    upload = site.s3.create_multipart_upload(Bucket=site.bucket, Key="parts")["UploadId"]
    part = site.s3.upload_part(Bucket=site.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    site.s3.complete_multipart_upload(Bucket=site.bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    for key in ("put", "copy", "parts"):
        assert site.head(key)["ObjectLockMode"] == "COMPLIANCE", key
    assert "ObjectLockMode" not in site.head("before")


def test_a_multipart_upload_keeps_the_lock_it_was_begun_with(site: Site) -> None:
    begun = site.s3.create_multipart_upload(Bucket=site.bucket, Key="parts", **lock("GOVERNANCE"))
    upload = begun["UploadId"]
    part = site.s3.upload_part(Bucket=site.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    site.s3.complete_multipart_upload(Bucket=site.bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    assert site.head("parts")["ObjectLockMode"] == "GOVERNANCE"


def test_half_a_lock_or_one_in_the_past_is_refused(site: Site) -> None:
    with pytest.raises(ClientError, match="InvalidArgument"):
        site.put("half", ObjectLockMode="GOVERNANCE")
    with pytest.raises(ClientError, match="must be in the future"):
        site.put("past", **lock("GOVERNANCE", -1))


def test_a_lock_needs_a_bucket_with_object_lock(client: Client) -> None:
    plain = make_site(client, EAST)
    with pytest.raises(ClientError, match="InvalidRequest"):
        plain.put("a", **lock("GOVERNANCE"))
    plain.put("a")
    with pytest.raises(ClientError, match="InvalidRequest"):
        plain.s3.get_object_retention(Bucket=plain.bucket, Key="a")


def test_what_is_not_locked_says_so(site: Site) -> None:
    site.put("free")
    for ask in (site.s3.get_object_retention, site.s3.get_object_legal_hold):
        with pytest.raises(ClientError) as caught:
            ask(Bucket=site.bucket, Key="free")
        assert caught.value.response["Error"]["Code"] == "NoSuchObjectLockConfiguration"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_versioning_of_a_locked_bucket_cannot_be_suspended(site: Site) -> None:
    with pytest.raises(ClientError) as caught:
        site.s3.put_bucket_versioning(Bucket=site.bucket, VersioningConfiguration={"Status": "Suspended"})
    assert caught.value.response["Error"]["Code"] == "InvalidBucketState"


def test_object_lock_can_be_turned_on_for_a_bucket_with_objects(client: Client) -> None:
    site = make_site(client, EAST)
    site.put("old")
    site.s3.put_object_lock_configuration(Bucket=site.bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    site.put("new", **lock("COMPLIANCE"))
    assert site.head("new")["ObjectLockMode"] == "COMPLIANCE"
