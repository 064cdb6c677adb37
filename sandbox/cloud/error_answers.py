"""An error in the words of a service's protocol, so that its client reads code and message out of it.

Used for what moto cannot do, and by whoever refuses a call before it reaches moto.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_service_model

Wire = tuple[list[tuple[str, str]], bytes]
"""Headers and body."""


def error_answer(service: str, code: str, message: str, request: Mapping[str, Any]) -> Wire:
    """``request`` is the WSGI environment: services with several protocols answer in the one they are asked in."""
    if request.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        return headers, _cbor_map({"__type": code, "message": message})
    protocol = "json" if "HTTP_X_AMZ_TARGET" in request else _protocol(service)
    if "json" in protocol:
        body = json.dumps({"__type": code, "message": message}).encode()
        return [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-errortype", code)], body
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if protocol == "ec2":
        document = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>sandbox</RequestID></Response>"
    elif service == "s3":
        document = f"<Error>{error}<RequestId>sandbox</RequestId></Error>"
    else:
        document = f"<ErrorResponse><Error>{error}</Error><RequestId>sandbox</RequestId></ErrorResponse>"
    return [("Content-Type", "text/xml")], f'<?xml version="1.0" encoding="UTF-8"?>{document}'.encode()


def _protocol(service: str) -> str:
    try:
        return str(get_service_model(service).protocol)
    except UnknownServiceError:
        return "json"


def _cbor_map(values: dict[str, str]) -> bytes:
    """A CBOR map of texts (RFC 8949, major types 5 and 3)."""
    head = bytes([0xA0 | len(values)])
    return head + b"".join(_cbor_text(name) + _cbor_text(value) for name, value in values.items())


def _cbor_text(text: str) -> bytes:
    raw = text.encode()[:0xFFFF]
    return bytes([0x79]) + len(raw).to_bytes(2, "big") + raw
