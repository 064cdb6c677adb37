"""PutBucketReplication's document: read by the service's model, refused as S3 refuses it, kept as rules.

"PutBucketReplication" (API reference), "Replication configuration file elements", "Backward compatibility
considerations" and the service's own words in public issue reports. S3 admits a source with Object Lock and a
destination without it, a role and a key that do not exist: those fail when an object is delivered ("Amazon S3
replication failure reasons").
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.utils import get_service_model
from werkzeug.datastructures import MultiDict

from sandbox.cloud.s3.errors import invalid_argument, invalid_request, malformed_xml
from sandbox.cloud.s3.rules import ReplicationConfiguration, Rule

_SCHEMA = "of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information."
_ROLE = re.compile(r"arn:aws:iam::\d{12}:role/.+")
_BUCKET_ARN = re.compile(r"arn:aws:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")
_KEY_ARN = re.compile(r"arn:aws:kms:[a-z0-9-]+:\d{12}:(key|alias)/.+")
_STATES = {"Enabled", "Disabled"}
_TIME_CONTROL_MINUTES = 15
_LONGEST_ID = 255
_MOST_RULES = 1000

Versioned = Callable[[str], bool | None]
"""Whether a bucket has versioning enabled; None if there is no such bucket."""


def read_document(body: bytes) -> dict[str, Any]:
    """The request's body as the service's model names its parts."""
    operation = get_service_model("s3").operation_model("PutBucketReplication")
    request = {"method": "PUT", "values": MultiDict(), "headers": {}, "body": body, "url_path": "/", "url_params": {}}
    try:
        document = PROTOCOL_PARSERS["rest-xml"](operation).parse(request).get("ReplicationConfiguration")
    except (RequestParserError, ValueError) as error:
        raise malformed_xml() from error
    if not isinstance(document, dict):
        raise malformed_xml()
    return document


def accept(document: Mapping[str, Any], source: str, versioned: Versioned) -> ReplicationConfiguration:
    """Check a document for the bucket ``source``. Raises what S3 answers to a wrong one."""
    role, rules = document.get("Role", ""), document.get("Rules") or []
    if not role or not 1 <= len(rules) <= _MOST_RULES:
        raise malformed_xml()
    if not _ROLE.fullmatch(role):
        raise invalid_argument("Invalid Role specified in replication configuration")
    if not versioned(source):
        raise invalid_request("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    filtered = all("Filter" in rule for rule in rules)
    shown = [{**rule, "ID": rule.get("ID") or uuid.uuid4().hex} for rule in rules]
    accepted = tuple(_rule(rule, source, filtered=filtered) for rule in shown)
    _unique([rule.id for rule in accepted], lambda _: invalid_argument("Rule Id must be unique"))
    if filtered:
        _unique([rule.priority for rule in accepted], lambda p: invalid_request(f"Found duplicate priority {p}."))
    for rule in accepted:
        state = versioned(rule.destination)
        if state is None:
            raise invalid_request("Destination bucket must exist.")
        if not state:
            raise invalid_request("Destination bucket must have versioning enabled.")
    return ReplicationConfiguration(role, accepted, {"Role": role, "Rules": shown})


def _unique(values: list[Any], refuse: Callable[[Any], Exception]) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise refuse(value)


def _rule(rule: Mapping[str, Any], source: str, *, filtered: bool) -> Rule:
    if rule.get("Status") not in _STATES or "Destination" not in rule or len(rule["ID"]) > _LONGEST_ID:
        raise malformed_xml()
    prefix, tags = _filter(rule)
    _schema(rule, filtered=filtered)
    delete_markers = _status(rule, "DeleteMarkerReplication") == "Enabled"
    if delete_markers and tags:
        raise invalid_request(
            "Delete marker replication is not supported if any Tag filter is specified. "
            "Please refer to S3 Developer Guide for more information."
        )
    selection = rule.get("SourceSelectionCriteria")
    if selection == {}:
        raise invalid_request("SourceSelectionCriteria cannot be empty.")
    kms = _status(selection or {}, "SseKmsEncryptedObjects")
    destination = rule["Destination"]
    return Rule(
        id=rule["ID"],
        priority=rule.get("Priority", 0),
        enabled=rule["Status"] == "Enabled",
        filtered=filtered,
        prefix=prefix,
        tags=tags,
        destination=_destination_bucket(destination, source),
        storage_class=destination.get("StorageClass"),
        delete_markers=delete_markers,
        kms_objects=kms == "Enabled",
        replica_key=_replica_key(destination, asked=kms is not None),
        replica_modifications=_status(selection or {}, "ReplicaModifications") == "Enabled",
        metrics=_metrics(destination),
    )


def _schema(rule: Mapping[str, Any], *, filtered: bool) -> None:
    """V2 rules must say how they rank and what becomes of delete markers; V1 rules must not."""
    for element in ("Priority", "DeleteMarkerReplication"):
        if filtered and element not in rule:
            raise invalid_request(f"{element} must be specified for this version {_SCHEMA}")
        if not filtered and element in rule:
            raise invalid_request(f"{element} cannot be used for this version {_SCHEMA}")


def _filter(rule: Mapping[str, Any]) -> tuple[str, frozenset[tuple[str, str]]]:
    if ("Filter" in rule) == ("Prefix" in rule):
        raise malformed_xml()
    if "Prefix" in rule:
        return rule["Prefix"] or "", frozenset()
    chosen = rule["Filter"] or {}
    if len(chosen) > 1:
        raise malformed_xml()
    both = chosen.get("And")
    if both is not None and len(both.get("Tags", [])) + ("Prefix" in both) < 2:
        raise malformed_xml()
    tags = [chosen["Tag"]] if "Tag" in chosen else (both or {}).get("Tags", [])
    _unique([tag["Key"] for tag in tags], lambda _: invalid_request("Duplicate Tag Keys are not allowed."))
    prefix = (both or chosen).get("Prefix") or ""
    return prefix, frozenset((tag["Key"], tag.get("Value", "")) for tag in tags)


def _destination_bucket(destination: Mapping[str, Any], source: str) -> str:
    match = _BUCKET_ARN.fullmatch(destination.get("Bucket", ""))
    if match is None:
        raise invalid_argument("Invalid bucket ARN")
    if match[1] == source:
        raise invalid_request("Destination bucket cannot be the same as the source bucket.")
    return match[1]


def _replica_key(destination: Mapping[str, Any], *, asked: bool) -> str | None:
    key: str | None = (destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    if key is None and asked:
        raise invalid_request("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.")
    if key is not None and not asked:
        raise invalid_request("SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.")
    if key is not None and not _KEY_ARN.fullmatch(key):
        raise invalid_argument("Invalid ReplicaKmsKeyID ARN.")
    return key


def _metrics(destination: Mapping[str, Any]) -> bool:
    """Whether metrics are on; time control needs them, and knows 15 minutes only."""
    metrics, control = destination.get("Metrics"), destination.get("ReplicationTime")
    enabled = _status(destination, "Metrics") == "Enabled"
    threshold = (metrics or {}).get("EventThreshold", {}).get("Minutes")
    if control is not None:
        if metrics is None:
            raise invalid_request("Replication destination must contain both ReplicationTime and Metrics or neither.")
        if (control.get("Time") or {}).get("Minutes") != _TIME_CONTROL_MINUTES:
            raise invalid_argument("Invalid time minute value")
    if control is not None and _status(destination, "ReplicationTime") == "Enabled":
        if threshold is None:
            raise invalid_argument("ReplicationMetrics must contain an event threshold")
        if threshold != _TIME_CONTROL_MINUTES:
            raise invalid_argument("Invalid event threshold minute value")
    elif threshold is not None:
        raise invalid_argument(
            "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled"
        )
    return enabled


def _status(parent: Mapping[str, Any], element: str) -> str | None:
    """The Status of an element; None if it is not there."""
    if element not in parent:
        return None
    status = (parent[element] or {}).get("Status")
    if status not in _STATES:
        raise malformed_xml()
    return str(status)
