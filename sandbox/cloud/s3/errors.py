"""Errors of S3 that moto has no class for, or answers with another status."""

from __future__ import annotations

from moto.s3.exceptions import S3ClientError


class S3Error(S3ClientError):  # type: ignore[misc]
    """An error with the status that S3 sends it with ("Error responses", API reference)."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(code, message)
        self.status = status


def access_denied(message: str = "Access Denied") -> S3Error:
    return S3Error("AccessDenied", message, status=403)


def invalid_request(message: str) -> S3Error:
    return S3Error("InvalidRequest", message)


def invalid_argument(message: str) -> S3Error:
    return S3Error("InvalidArgument", message)


def invalid_bucket_state(message: str) -> S3Error:
    return S3Error("InvalidBucketState", message, status=409)


def malformed_xml() -> S3Error:
    return S3Error(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )
