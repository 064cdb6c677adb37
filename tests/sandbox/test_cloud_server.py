"""The cloud as a process: how it starts, speaks HTTP, is asked to stop, and what it writes down."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import stat
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from sandbox.cloud.request_log import FILE_NAME, read_calls
from tests.sandbox.cloud_fixtures import RunningCloud, make_client, start_cloud, unique, until


@pytest.fixture
def place() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="goliath-cloud-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root, ignore_errors=True)


def test_it_says_where_it_is_once_it_answers(cloud: RunningCloud) -> None:
    document = json.loads((cloud.directory / "cloud.json").read_text(encoding="utf-8"))
    assert document["pid"] == cloud.process.pid
    assert document["endpoint"] == f"http://127.0.0.1:{document['port']}"
    assert Path(document["ca_certificate"]).read_text(encoding="ascii").startswith("-----BEGIN CERTIFICATE-----")


def test_the_authority_s_key_is_readable_by_its_owner_only(cloud: RunningCloud) -> None:
    key = cloud.ca_certificate.with_name("ca.key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_port_in_use_is_one_clear_sentence_and_exit_code_1(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        started = start_cloud(place, port=port)
        assert started.process.wait(timeout=60) == 1
    said = started.log.read_text(encoding="utf-8")
    assert said.strip().splitlines() == [
        f"port {port} on 127.0.0.1 is in use by another program: stop it, or choose another (0: any free one)"
    ]
    assert not (place / "cloud" / "cloud.json").exists()


def test_sigterm_ends_it_with_0_and_frees_the_port(place: Path) -> None:
    started = start_cloud(place)
    running = started.ready()
    make_client(running.endpoint, "sts", "us-east-1").get_caller_identity()
    assert started.stop() == 0
    assert not (running.directory / "cloud.json").exists()
    with socket.socket() as again:
        again.bind(("127.0.0.1", urlsplit(running.endpoint).port))
    assert started.log.read_text(encoding="utf-8") == ""


def test_one_connection_serves_many_requests(cloud: RunningCloud) -> None:
    address = urlsplit(cloud.endpoint)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("GET", "/no-such-bucket-at-all/key")
        response = connection.getresponse()
        assert response.status in {403, 404}
        response.read()
    assert connection.sock is first
    connection.close()


def test_a_body_that_nobody_read_does_not_spoil_the_next_request(cloud: RunningCloud) -> None:
    address = urlsplit(cloud.endpoint)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    for _ in range(2):
        connection.request("PUT", "/no-such-bucket-at-all/key", body=b"GET / HTTP/1.1\r\n\r\n" * 1000)
        response = connection.getresponse()
        response.read()
        assert response.status == 404
    connection.close()


def test_a_large_object_survives_the_way_in_and_out(client: Callable[..., Any]) -> None:
    s3, bucket = client("s3"), unique("large")
    s3.create_bucket(Bucket=bucket)
    body = os.urandom(9 * 1024 * 1024)
    s3.put_object(Bucket=bucket, Key="large", Body=body)
    assert s3.get_object(Bucket=bucket, Key="large")["Body"].read() == body


def test_every_key_belongs_to_the_one_account(client: Callable[..., Any]) -> None:
    for key in ("AKIATESTSOFTHECLOUD0", "AKIAANOTHERONE000000"):
        assert client("sts", "us-west-2", key).get_caller_identity()["Account"] == "123456789012"


def test_a_call_is_logged_with_region_service_action_and_outcome(
    cloud: RunningCloud, client: Callable[..., Any]
) -> None:
    name = unique("no-such-bucket")
    with pytest.raises(ClientError):
        client("s3", "us-west-2").get_object(Bucket=name, Key="a/b")
    call = next(call for call in cloud.calls() if call.resource == f"{name}/a/b")
    assert (call.region, call.name, call.status, call.error) == ("us-west-2", "s3:GetObject", 404, "NoSuchBucket")
    assert call.access_key.startswith("AKIA")
    assert call.milliseconds > 0
    assert call.time.endswith("Z")


@pytest.mark.parametrize(
    ("service", "action", "arguments", "name"),
    [
        ("ec2", "describe_vpcs", {}, "ec2:DescribeVpcs"),
        ("kms", "list_keys", {}, "kms:ListKeys"),
        ("iam", "list_roles", {}, "iam:ListRoles"),
        ("route53", "list_hosted_zones", {}, "route53:ListHostedZones"),
        ("cloudwatch", "describe_alarms", {}, "cloudwatch:DescribeAlarms"),
        ("logs", "describe_log_groups", {}, "logs:DescribeLogGroups"),
        ("secretsmanager", "list_secrets", {}, "secretsmanager:ListSecrets"),
        ("eks", "list_clusters", {}, "eks:ListClusters"),
    ],
)
def test_calls_of_every_protocol_are_named(
    cloud: RunningCloud, client: Callable[..., Any], service: str, action: str, arguments: dict[str, Any], name: str
) -> None:
    before = len(cloud.calls())
    getattr(client(service, "us-west-2"), action)(**arguments)
    assert name in {call.name for call in cloud.calls()[before:]}


def test_a_global_service_is_logged_in_the_region_it_is_signed_for(
    cloud: RunningCloud, client: Callable[..., Any]
) -> None:
    before = len(cloud.calls())
    client("route53", "us-west-2").list_health_checks()
    assert [call.region for call in cloud.calls()[before:] if call.service == "route53"] == ["us-east-1"]


def test_no_secret_and_no_signature_is_logged(cloud: RunningCloud, client: Callable[..., Any]) -> None:
    client("secretsmanager").create_secret(Name=unique("secret"), SecretString="sesame-of-the-log")
    s3, bucket = client("s3"), unique("presigned")
    s3.create_bucket(Bucket=bucket)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "x"})
    urllib.request.urlopen(urllib.request.Request(url, data=b"sesame", method="PUT")).close()  # noqa: S310
    logged = (cloud.directory / FILE_NAME).read_text(encoding="utf-8")
    assert "sesame" not in logged
    assert "ignature" not in logged
    assert any(call.resource == f"{bucket}/x" and call.action == "PutObject" for call in cloud.calls())


def test_a_presigned_call_of_another_service_is_not_taken_for_s3(
    cloud: RunningCloud, client: Callable[..., Any]
) -> None:
    url = client("sts", "us-west-2").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    with urllib.request.urlopen(url) as response:  # noqa: S310 - our own loopback server
        assert b"<Account>123456789012</Account>" in response.read()
    assert cloud.calls()[-1].name == "sts:GetCallerIdentity"
    assert cloud.calls()[-1].region == "us-west-2"


def test_calls_at_the_same_time_do_not_mix(cloud: RunningCloud, client: Callable[..., Any]) -> None:
    s3, bucket = client("s3"), unique("many")
    s3.create_bucket(Bucket=bucket)
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(20):
            key = f"{number}/{turn}"
            s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
            if s3.get_object(Bucket=bucket, Key=key)["Body"].read() != key.encode():
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 160


def test_a_log_that_grows_is_rotated_and_still_read_whole(tmp_path: Path) -> None:
    from sandbox.cloud.request_log import Call, RequestLog

    log = RequestLog(tmp_path / FILE_NAME, maximum_bytes=1000).open()
    for number in range(8):
        log.write(Call("2025-01-01T00:00:00.000Z", "us-east-1", "s3", "GetObject", str(number), 200, "", 1.0, "AK"))
    log.close()
    assert (tmp_path / f"{FILE_NAME}.1").exists()
    assert [call.resource for call in read_calls(tmp_path / FILE_NAME)][-1] == "7"
    assert until(lambda: sum(path.stat().st_size for path in tmp_path.iterdir()) < 2500)


@pytest.mark.parametrize(
    ("service", "action", "arguments"),
    [
        ("route53", "test_dns_answer", {"HostedZoneId": "Z1", "RecordName": "a", "RecordType": "A"}),
        ("ec2", "describe_aggregate_id_format", {}),
        ("iam", "list_organizations_features", {}),
        ("eks", "list_insights", {"clusterName": "a"}),
        ("cloudwatch", "list_metric_streams", {}),
        ("logs", "list_anomalies", {}),
    ],
)
def test_what_the_cloud_cannot_do_is_said_in_the_words_of_the_protocol(
    client: Callable[..., Any], service: str, action: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(client(service), action)(**arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == "NotImplemented"
    assert error["Message"].startswith(f"the sandbox's cloud does not know {service}:")
