"""S3's documents in the program's words and in boto3's: the same trees under other names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_BOTO: Final = {
    "id": "ID",
    "kmsMasterKeyId": "KMSMasterKeyID",
    "mfaDelete": "MFADelete",
    "replicaKmsKeyId": "ReplicaKmsKeyID",
    "sseAlgorithm": "SSEAlgorithm",
    "uri": "URI",
}
"""Names that are not simply the other's with a capital first letter."""
_OURS: Final = {theirs: ours for ours, theirs in _BOTO.items()}


def to_aws(value: Any) -> Any:
    """A property value as boto3 takes it. A map of tags becomes a list; everything else keeps its shape."""
    if isinstance(value, Mapping):
        return {_BOTO.get(key, key[0].upper() + key[1:]): _member_to_aws(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_aws(item) for item in value]
    return value


def _member_to_aws(key: str, value: Any) -> Any:
    if key == "tags" and isinstance(value, Mapping):
        return [{"Key": name, "Value": text} for name, text in sorted(value.items())]
    return to_aws(value)


def from_aws(value: Any) -> Any:
    """boto3's value as a property value."""
    if isinstance(value, Mapping):
        return {_OURS.get(key, key[0].lower() + key[1:]): _member_from_aws(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_aws(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def _member_from_aws(key: str, value: Any) -> Any:
    if key == "Tags" and isinstance(value, list):
        return {tag["Key"]: tag["Value"] for tag in value}
    return from_aws(value)


def essence(value: Any) -> Any:
    """The value without empty parts, for comparing what was written with what is read."""
    if isinstance(value, Mapping):
        parts = {key: essence(item) for key, item in value.items()}
        return {key: item for key, item in parts.items() if item not in (None, "", 0, False, {}, [])}
    if isinstance(value, list):
        return [essence(item) for item in value]
    return value
