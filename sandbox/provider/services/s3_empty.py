"""Emptying a bucket: every version and every delete marker, through Object Lock as far as S3 allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import ResourceError

Named = Mapping[str, str]
"""A Key and, nearly always, a VersionId."""


def empty(client: Any, bucket: str, *, locked: bool) -> int:
    """Delete all versions and delete markers; returns how many. ``locked``: the bucket has Object Lock.

    Governance retention is bypassed and legal holds are lifted when ``locked``; compliance retention holds: then
    ResourceError says how many objects stay.
    """
    gone = 0
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions: list[Named] = page.get("Versions", [])
        listed = [*versions, *page.get("DeleteMarkers", [])]
        if not listed:
            continue
        refused = _delete(client, bucket, listed, locked=locked)
        if refused and locked:
            held = [version for version in versions if any(_same(version, item) for item in refused)]
            _lift_legal_holds(client, bucket, held)
            refused = _delete(client, bucket, held, locked=True)
        if refused:
            first = refused[0]
            raise ResourceError(
                f"S3 bucket {bucket} cannot be emptied: {len(refused)} object version(s) stay, the first is "
                f"{first['Key']} ({first.get('Code', 'Unknown')}: {first.get('Message', '')})"
            )
        gone += len(listed)
    return gone


def _delete(client: Any, bucket: str, listed: Sequence[Named], *, locked: bool) -> Sequence[Named]:
    if not listed:
        return []
    names = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in listed]
    bypass = {"BypassGovernanceRetention": True} if locked else {}
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": names, "Quiet": True}, **bypass)
    refused: list[Named] = answer.get("Errors", [])
    return refused


def _same(version: Named, refused: Named) -> bool:
    # an error without a version speaks of all versions of its key
    return version["Key"] == refused["Key"] and refused.get("VersionId", version["VersionId"]) == version["VersionId"]


def _lift_legal_holds(client: Any, bucket: str, held: Sequence[Named]) -> None:
    for item in held:
        try:
            client.put_object_legal_hold(
                Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"], LegalHold={"Status": "OFF"}
            )
        except ClientError as error:
            if code_of(error) not in {"NoSuchVersion", "NoSuchKey"}:
                raise
