"""Who may read and write a bucket, and what its objects are encrypted with."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.cloud_fixtures import RunningCloud, unique
from tests.sandbox.cloud_s3 import EAST, WEST, Site, make_site, policy

Client = Callable[..., Any]
OPEN = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}


@pytest.fixture
def site(client: Client) -> Site:
    return make_site(client, EAST)


def anonymous(cloud: RunningCloud, site: Site, key: str, method: str = "GET") -> tuple[int, bytes]:
    request = urllib.request.Request(f"{cloud.endpoint}/{site.bucket}/{key}", method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310 - our own loopback server
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def read_by_all(site: Site, *keys: str) -> str:
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [site.arn, f"{site.arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return policy({**allow, "Resource": [f"{site.arn}/{key}" for key in keys]}, tls)


def test_a_new_bucket_blocks_public_access_has_no_acls_and_encrypts(client: Client) -> None:
    s3, bucket = client("s3"), unique("new")
    s3.create_bucket(Bucket=bucket)
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="a")["ServerSideEncryption"] == "AES256"


def test_a_public_policy_is_refused_until_the_block_is_opened(site: Site) -> None:
    with pytest.raises(ClientError) as caught:
        site.s3.put_bucket_policy(Bucket=site.bucket, Policy=read_by_all(site, "switch"))
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    site.s3.put_public_access_block(Bucket=site.bucket, PublicAccessBlockConfiguration=OPEN)
    site.s3.put_bucket_policy(Bucket=site.bucket, Policy=read_by_all(site, "switch"))


def test_everybody_reads_exactly_the_keys_that_the_policy_names(cloud: RunningCloud, site: Site) -> None:
    site.put("switch", b"secondary")
    site.put("other")
    site.s3.put_public_access_block(Bucket=site.bucket, PublicAccessBlockConfiguration=OPEN)
    site.s3.put_bucket_policy(Bucket=site.bucket, Policy=read_by_all(site, "switch", "canary"))
    assert anonymous(cloud, site, "switch") == (200, b"secondary")
    assert anonymous(cloud, site, "switch", "HEAD")[0] == 200
    assert anonymous(cloud, site, "other")[0] == 403
    assert anonymous(cloud, site, "canary")[0] == 403, "who may not list learns nothing of what is not there"
    assert anonymous(cloud, site, "switch", "DELETE")[0] == 403
    assert anonymous(cloud, site, "", "GET")[0] == 403
    restricted = {**OPEN, "RestrictPublicBuckets": True}
    site.s3.put_public_access_block(Bucket=site.bucket, PublicAccessBlockConfiguration=restricted)
    assert anonymous(cloud, site, "switch")[0] == 403


def test_a_policy_that_wants_tls_does_not_lock_everybody_out(site: Site) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [site.arn, f"{site.arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    site.s3.put_bucket_policy(Bucket=site.bucket, Policy=policy(deny))
    site.put("a")
    assert site.has("a")


def test_what_a_policy_denies_is_denied(site: Site) -> None:
    site.put("keep/a")
    version = site.put("keep/b")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
        "Resource": f"{site.arn}/keep/*",
    }
    site.s3.put_bucket_policy(Bucket=site.bucket, Policy=policy(deny))
    for details in ({"Key": "keep/a"}, {"Key": "keep/b", "VersionId": version}):
        with pytest.raises(ClientError, match="AccessDenied"):
            site.s3.delete_object(Bucket=site.bucket, **details)
    site.put("other/a")
    answer = site.s3.delete_objects(Bucket=site.bucket, Delete={"Objects": [{"Key": "keep/a"}, {"Key": "other/a"}]})
    assert [found["Key"] for found in answer["Deleted"]] == ["other/a"]
    assert [found["Key"] for found in answer["Errors"]] == ["keep/a"]


def test_a_policy_that_is_not_json_is_malformed(site: Site) -> None:
    with pytest.raises(ClientError, match="MalformedPolicy"):
        site.s3.put_bucket_policy(Bucket=site.bucket, Policy="not json")


def test_acls_are_off_unless_ownership_turns_them_on(site: Site) -> None:
    with pytest.raises(ClientError, match="AccessControlListNotSupported"):
        site.s3.put_bucket_acl(Bucket=site.bucket, ACL="public-read")
    with pytest.raises(ClientError, match="AccessControlListNotSupported"):
        site.put("a", ACL="public-read")
    site.put("a", ACL="bucket-owner-full-control")
    rules = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    site.s3.put_bucket_ownership_controls(Bucket=site.bucket, OwnershipControls=rules)
    site.s3.put_bucket_acl(Bucket=site.bucket, ACL="private")


def key_of(client: Client, region: str) -> tuple[str, str]:
    metadata = client("kms", region).create_key()["KeyMetadata"]
    return metadata["Arn"], metadata["KeyId"]


def encrypt_with(site: Site, key: str | None, *, bucket_key: bool = True) -> None:
    default = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key} if key else {})}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}]}
    site.s3.put_bucket_encryption(Bucket=site.bucket, ServerSideEncryptionConfiguration=rules)


def test_objects_show_the_key_of_the_bucket(client: Client, site: Site) -> None:
    arn, key_id = key_of(client, EAST)
    client("kms").create_alias(AliasName=f"alias/{site.bucket}", TargetKeyId=key_id)
    for name in (arn, key_id, f"alias/{site.bucket}"):
        encrypt_with(site, name)
        site.put("a")
        head = site.head("a")
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"], head["BucketKeyEnabled"]) == ("aws:kms", arn, True)


def test_without_a_key_of_its_own_the_account_s_key_for_s3_is_used(client: Client, site: Site) -> None:
    encrypt_with(site, None, bucket_key=False)
    site.put("a")
    head = site.head("a")
    assert head["SSEKMSKeyId"].startswith(f"arn:aws:kms:{EAST}:123456789012:key/")
    assert not head.get("BucketKeyEnabled", False)


def test_a_key_of_another_region_cannot_encrypt(client: Client, site: Site) -> None:
    arn, _ = key_of(client, WEST)
    encrypt_with(site, arn)
    with pytest.raises(ClientError, match=r"KMS\.NotFoundException"):
        site.put("a")


def test_without_its_key_an_object_can_be_neither_written_nor_read(client: Client, site: Site) -> None:
    arn, key_id = key_of(client, EAST)
    encrypt_with(site, arn)
    site.put("a")
    client("kms").disable_key(KeyId=key_id)
    with pytest.raises(ClientError, match=r"KMS\.DisabledException"):
        site.s3.get_object(Bucket=site.bucket, Key="a")
    with pytest.raises(ClientError, match=r"KMS\.DisabledException"):
        site.put("b")
    client("kms").enable_key(KeyId=key_id)
    assert site.s3.get_object(Bucket=site.bucket, Key="a")["Body"].read() == b"x"
