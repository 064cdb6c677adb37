"""Which bucket and key a request for S3 is about, and what S3 answers when the bucket lives in another region."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

_FIRST_REGION = "us-east-1"
_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>.+)\.s3(?:[.-](?:dualstack\.|fips\.)?(?P<region>[a-z]{2}-[a-z-]+-\d))?\.amazonaws\.com(?::\d+)?"
)


@dataclass(frozen=True)
class S3Address:
    """``bucket`` is empty for calls about the account; ``host_region`` only if the Host header names a region."""

    bucket: str
    key: str
    host_region: str = ""
    virtual: bool = False

    @property
    def path(self) -> str:
        """As if addressed in path style, which is what operations are described in."""
        return f"/{self.bucket}/{self.key}" if self.key else f"/{self.bucket}"

    @property
    def resource(self) -> str:
        return f"{self.bucket}/{self.key}" if self.key else self.bucket


def address_of(environ: Mapping[str, Any], path: str) -> S3Address:
    """``path`` is the decoded path of the request."""
    host = _VIRTUAL_HOST.fullmatch(environ.get("HTTP_HOST", ""))
    if host is not None:
        return S3Address(host["bucket"], path.removeprefix("/"), host["region"] or "", virtual=True)
    bucket, _, key = path.removeprefix("/").partition("/")
    return S3Address(bucket, key)


@dataclass(frozen=True)
class ElsewhereAnswer:
    """What S3 sends instead of an answer: where the bucket really is."""

    status: str
    code: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def answer_elsewhere(address: S3Address, operation: str, asked: str, home: str | None) -> ElsewhereAnswer | None:
    """The redirect for a bucket of ``home`` that region ``asked`` was called for; None if the call is in place.

    "Making requests using the REST API: redirects": an endpoint of another region answers 301 PermanentRedirect with
    the bucket's region in ``x-amz-bucket-region``. A host name that leads to the right region, with a signature made
    for another, is refused with 400 AuthorizationHeaderMalformed.
    """
    if home is None or home == asked or _answers_for_all(operation, asked):
        return None
    headers = (("x-amz-bucket-region", home), ("Content-Type", "application/xml"))
    if address.virtual and address.host_region in {"", home}:
        message = f"The authorization header is malformed; the region '{asked}' is wrong; expecting '{home}'"
        body = _error("AuthorizationHeaderMalformed", message, {"Region": home})
        return ElsewhereAnswer("400 Bad Request", "AuthorizationHeaderMalformed", headers, body)
    message = (
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint."
    )
    details = {"Endpoint": f"{address.bucket}.s3.{home}.amazonaws.com", "Bucket": address.bucket}
    body = _error("PermanentRedirect", message, details)
    return ElsewhereAnswer("301 Moved Permanently", "PermanentRedirect", headers, body)


def _answers_for_all(operation: str, region: str) -> bool:
    """A bucket that is made is nowhere yet; us-east-1 tells the whereabouts of every bucket ("GetBucketLocation")."""
    return operation == "CreateBucket" or (operation == "GetBucketLocation" and region == _FIRST_REGION)


def _error(code: str, message: str, details: Mapping[str, str]) -> bytes:
    elements = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in details.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>{elements}</Error>"
    ).encode()
