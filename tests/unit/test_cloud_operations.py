"""The name of an operation is found from the request alone, as botocore writes requests."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from botocore.serialize import create_serializer
from moto.core.utils import get_service_model

from sandbox.cloud.operations import UNKNOWN, Question, operation_name

# Operations that no request can tell apart from the other one: the newer spelling is meant.
SAME_REQUEST = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
    "ListDirectoryBuckets": "ListBuckets",
}
SERVICES = ("s3", "route53", "eks", "backup", "efs", "kms", "ec2", "rds", "sts", "iam", "logs", "secretsmanager")


def example(shape: Any) -> Any:
    """A value of a shape with the required members only."""
    if shape.type_name == "structure":
        return {name: example(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [example(shape.member)]
    if shape.type_name == "map":
        return {"key": example(shape.value)}
    return {"integer": 1, "long": 1, "double": 1.0, "float": 1.0, "boolean": True, "blob": b"x"}.get(
        shape.type_name, "2025-01-01T00:00:00Z" if shape.type_name == "timestamp" else "value"
    )


def question(service: str, operation: str) -> Question:
    model = get_service_model(service)
    described = model.operation_model(operation)
    shape = described.input_shape
    protocol = model.resolved_protocol if hasattr(model, "resolved_protocol") else model.protocol
    request = create_serializer(protocol, include_validation=False).serialize_to_request(
        example(shape) if shape else {}, described
    )
    path, _, literal = request["url_path"].partition("?")
    query = dict(part.partition("=")[::2] for part in literal.split("&") if part)
    query.update({name: str(value) for name, value in dict(request["query_string"] or {}).items()})
    headers = {name.lower(): str(value) for name, value in dict(request["headers"]).items()}
    form = request["body"] if isinstance(request["body"], dict) else None
    return Question(request["method"], unquote(path), query, headers, headers.get("x-amz-target", ""), form)


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_a_service_is_recognised(service: str) -> None:
    model = get_service_model(service)
    wrong = {
        name: found
        for name in model.operation_names
        if (found := operation_name(service, question(service, name))) != SAME_REQUEST.get(name, name)
    }
    assert wrong == {}


def test_a_copy_is_not_a_put() -> None:
    headers = {"x-amz-copy-source": "a/b"}
    assert operation_name("s3", Question("PUT", "/bucket/key", {}, headers)) == "CopyObject"
    assert operation_name("s3", Question("PUT", "/bucket/key", {}, {})) == "PutObject"


def test_a_slash_at_the_end_of_a_bucket_is_still_the_bucket() -> None:
    assert operation_name("s3", Question("PUT", "/bucket/", {}, {})) == "CreateBucket"


def test_a_key_may_hold_slashes_and_newlines() -> None:
    assert operation_name("s3", Question("GET", "/bucket/a//b\nc/", {}, {})) == "GetObject"


def test_the_cbor_protocol_names_the_operation_in_its_path() -> None:
    path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    assert operation_name("cloudwatch", Question("POST", path, {}, {})) == "PutMetricData"


def test_what_no_operation_fits_is_unknown() -> None:
    assert operation_name("s3", Question("POST", "/", {}, {})) == UNKNOWN
    assert operation_name("no-such-service", Question("GET", "/", {}, {})) == UNKNOWN
