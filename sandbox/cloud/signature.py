"""Whom a request says it is from and which region's endpoint it was sent to: Signature Version 4's credential scope.

All regions share one address here, so the region that a call is signed for is the region it was sent to ("AWS Signature
Version 4 for API requests", elements of a signature: ``<access key>/<date>/<region>/<service>/aws4_request``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

_SCOPE = re.compile(r"Credential=([^/\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_PRESIGNED = re.compile(r"([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Signature:
    """The scope of a signed call. ``presigned``: it came in the query, so anybody with the address may use it.

    ``region`` is empty for an address of Signature Version 2, which names none ("Authenticating requests (AWS signature
    version 2)"; boto3 still presigns so for S3).
    """

    access_key: str
    region: str
    service: str
    presigned: bool = False


def signature_of(environ: Mapping[str, Any]) -> Signature | None:
    """The scope of a request's signature; None for an anonymous one. The signature itself is not checked."""
    match = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match is not None:
        return Signature(match[1], match[2], match[3].lower())
    query = parse_qs(environ.get("QUERY_STRING", ""))
    match = _PRESIGNED.fullmatch(query.get("X-Amz-Credential", [""])[0])
    if match is not None:
        return Signature(match[1], match[2], match[3].lower(), presigned=True)
    if "AWSAccessKeyId" in query and "Signature" in query:
        return Signature(query["AWSAccessKeyId"][0], "", "s3", presigned=True)
    return None
