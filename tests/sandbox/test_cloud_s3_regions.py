"""A bucket has a home; other regions point there, and everything is asked and logged there."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.sandbox.cloud_fixtures import RunningCloud
from tests.sandbox.cloud_s3 import EAST, WEST, Site, make_site

Client = Callable[..., Any]


@pytest.fixture(scope="module")
def west(client: Client) -> Site:
    site = make_site(client, WEST)
    site.put("key", b"west")
    return site


@pytest.fixture
def stranger(cloud: RunningCloud) -> Any:
    """A client of the other region that knows no bucket's home yet."""
    from tests.sandbox.cloud_fixtures import make_client

    return make_client(cloud.endpoint, "s3", EAST)


def calls_for(cloud: RunningCloud, site: Site, before: int) -> list[tuple[str, str, int]]:
    found = [call for call in cloud.calls()[before:] if call.resource.startswith(site.bucket)]
    return [(call.region, call.action, call.status) for call in found]


@pytest.mark.parametrize(
    ("action", "name", "details"),
    [
        ("get_object", "GetObject", {"Key": "key"}),
        ("head_object", "HeadObject", {"Key": "key"}),
        ("head_bucket", "HeadBucket", {}),
        ("list_objects_v2", "ListObjectsV2", {}),
        ("put_object", "PutObject", {"Key": "new", "Body": b"x" * 100_000}),
        ("get_bucket_versioning", "GetBucketVersioning", {}),
    ],
)
def test_a_call_from_elsewhere_is_redirected_home(
    cloud: RunningCloud, stranger: Any, west: Site, action: str, name: str, details: dict[str, Any]
) -> None:
    before = len(cloud.calls())
    getattr(stranger, action)(Bucket=west.bucket, **details)
    assert calls_for(cloud, west, before) == [(EAST, name, 301), (WEST, name, 200)]


def test_the_first_region_tells_where_every_bucket_is(stranger: Any, west: Site) -> None:
    assert stranger.get_bucket_location(Bucket=west.bucket)["LocationConstraint"] == WEST


def test_a_bucket_of_another_region_cannot_be_made_twice(client: Client, stranger: Any, west: Site) -> None:
    with pytest.raises(stranger.exceptions.BucketAlreadyOwnedByYou):
        stranger.create_bucket(Bucket=west.bucket)


def test_an_anonymous_call_is_logged_in_the_bucket_s_region(cloud: RunningCloud, west: Site) -> None:
    before = len(cloud.calls())
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{cloud.endpoint}/{west.bucket}/key")  # noqa: S310 - our own loopback server
    assert calls_for(cloud, west, before) == [(WEST, "GetObject", 403)]


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_address_works_in_its_region(cloud: RunningCloud, west: Site, version: str) -> None:
    import boto3

    signer = boto3.client(
        "s3",
        region_name=WEST,
        endpoint_url=cloud.endpoint,
        aws_access_key_id="AKIAPRESIGNER0000000",
        aws_secret_access_key="x",
        config=Config(signature_version=version),
    )
    url = signer.generate_presigned_url("get_object", Params={"Bucket": west.bucket, "Key": "key"})
    before = len(cloud.calls())
    with urllib.request.urlopen(url) as response:  # noqa: S310 - our own loopback server
        assert response.read() == b"west"
    assert calls_for(cloud, west, before) == [(WEST, "GetObject", 200)]


def test_a_host_name_of_a_bucket_is_understood(cloud: RunningCloud, west: Site) -> None:
    """As a health checker asks: without credentials, by the regional host name."""
    request = urllib.request.Request(  # noqa: S310 - our own loopback server
        f"{cloud.endpoint}/key", headers={"Host": f"{west.bucket}.s3.{WEST}.amazonaws.com"}
    )
    before = len(cloud.calls())
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310
    assert caught.value.code == 403
    assert calls_for(cloud, west, before) == [(WEST, "GetObject", 403)]


def test_nothing_goes_to_a_region_that_nobody_asked(cloud: RunningCloud, client: Client, west: Site) -> None:
    before = len(cloud.calls())
    west.s3.get_object(Bucket=west.bucket, Key="key")
    client("kms", WEST).list_keys()
    client("ec2", WEST).describe_vpcs()
    client("sts", WEST).get_caller_identity()
    assert {call.region for call in cloud.calls()[before:]} == {WEST}


def test_unsigned_clients_of_boto3_are_anonymous(cloud: RunningCloud, west: Site) -> None:
    import boto3

    anonymous = boto3.client(
        "s3", region_name=WEST, endpoint_url=cloud.endpoint, config=Config(signature_version=UNSIGNED)
    )
    with pytest.raises(anonymous.exceptions.ClientError, match="AccessDenied"):
        anonymous.get_object(Bucket=west.bucket, Key="key")
