"""S3 objects whose content is in the program (files and archives are not supported)."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, ResourceError, tag_list, tag_map
from sandbox.provider.core.values import Properties, Unknown
from sandbox.provider.services.refusals import texts, unsupported

_PUT: Final = {
    "bucketKeyEnabled": "BucketKeyEnabled",
    "cacheControl": "CacheControl",
    "contentDisposition": "ContentDisposition",
    "contentEncoding": "ContentEncoding",
    "contentLanguage": "ContentLanguage",
    "contentType": "ContentType",
    "kmsKeyId": "SSEKMSKeyId",
    "metadata": "Metadata",
    "serverSideEncryption": "ServerSideEncryption",
    "storageClass": "StorageClass",
    "websiteRedirect": "WebsiteRedirectLocation",
}
"""Inputs that are written with the object, by PutObject's names."""
_LOCKS: Final = ("objectLockLegalHoldStatus", "objectLockMode", "objectLockRetainUntilDate")
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NoSuchBucket"})


class BucketObjectv2(Resource):
    """An object. A new content is a new PutObject; deleting it on a versioned bucket deletes every version of the key.

    The id is "bucket/key": it says where the object is, also for an import.
    """

    token = "aws:s3/bucketObjectv2:BucketObjectv2"  # noqa: S105
    service = "s3"
    defaults: ClassVar = {"forceDestroy": False}
    also_computed = frozenset({"bucketKeyEnabled", "key", "tagsAll", *_LOCKS})
    write_only = frozenset({"content", "contentBase64", "forceDestroy"})
    state_only = frozenset({"forceDestroy"})
    conflicts = (frozenset({"content", "contentBase64"}),)

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        found = unsupported(inputs, ("source", "sourceHash"), "put the content into the input content or contentBase64")
        found += unsupported(inputs, ("acl", "checksumAlgorithm", "etag", "overrideProvider"))
        found += texts(inputs, ("content", "contentBase64"))
        if "key" not in inputs:
            found.append(("key", '"key" must be given: the sandbox\'s provider does not make one'))
        if ("objectLockMode" in inputs) != ("objectLockRetainUntilDate" in inputs):
            found.append(("objectLockMode", '"objectLockMode" and "objectLockRetainUntilDate" need each other'))
        encoded = inputs.get("contentBase64")
        if isinstance(encoded, str) and not isinstance(encoded, Unknown):
            try:
                base64.b64decode(encoded, validate=True)
            except binascii.Error:
                found.append(("contentBase64", '"contentBase64" must be base64 text'))
        return found

    def create(self, inputs: Properties) -> str:
        resource_id = f"{inputs['bucket']}/{inputs['key']}"
        # a bucket that was made a moment ago is not known everywhere
        self.call.retry_on(("NoSuchBucket",), lambda: self._put(inputs))
        self.call.made(resource_id)
        return resource_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        bucket, _, key = resource_id.removeprefix("s3://").partition("/")
        try:
            head = self.client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if code_of(error) in _ABSENT:
                return None
            raise
        tags = {}
        if head.get("TagCount", 1):  # S3 leaves the count out when there are none; others leave it out always
            tags = tag_map(self.client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"])
        until = head.get("ObjectLockRetainUntilDate")
        return {
            "id": f"{bucket}/{key}",
            "bucket": bucket,
            "key": key,
            "arn": f"arn:aws:s3:::{bucket}/{key}",
            "etag": head["ETag"].strip('"'),
            "versionId": _version(head),
            "tags": tags,
            "tagsAll": tags,
            "objectLockLegalHoldStatus": head.get("ObjectLockLegalHoldStatus", ""),
            "objectLockMode": head.get("ObjectLockMode", ""),
            "objectLockRetainUntilDate": until.strftime("%Y-%m-%dT%H:%M:%SZ") if until else "",
            **{ours: head.get(theirs, {} if ours == "metadata" else "") for ours, theirs in _PUT.items()},
            "bucketKeyEnabled": head.get("BucketKeyEnabled", False),
            "storageClass": head.get("StorageClass", "STANDARD"),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        bucket, _, key = resource_id.partition("/")
        place = {"Bucket": bucket, "Key": key}
        if changed - {"tags", "forceDestroy", *_LOCKS}:
            self._put(new)
            return
        if "objectLockLegalHoldStatus" in changed:
            hold = new.get("objectLockLegalHoldStatus") or "OFF"
            self.client.put_object_legal_hold(**place, LegalHold={"Status": hold})
        if changed & {"objectLockMode", "objectLockRetainUntilDate"}:
            self._retain(place, old, new)
        if "tags" in changed:
            self.client.put_object_tagging(**place, Tagging={"TagSet": tag_list(new.get("tags"))})

    @classmethod
    def unknown_after(cls, changed: frozenset[str]) -> frozenset[str]:
        written = changed & {"content", "contentBase64", *_PUT}
        return frozenset({"etag", "versionId"}) if written else frozenset()

    def delete(self, resource_id: str, state: Properties) -> None:
        bucket, _, key = resource_id.partition("/")
        try:
            if state.get("versionId"):
                self._delete_versions(bucket, key, bypass=bool(state.get("forceDestroy")))
            else:
                self.client.delete_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if code_of(error) not in _ABSENT:
                raise

    def _put(self, inputs: Properties) -> None:
        request: dict[str, Any] = {theirs: inputs[ours] for ours, theirs in _PUT.items() if inputs.get(ours)}
        request.setdefault("ContentType", "application/octet-stream")
        if inputs.get("tags"):
            request["Tagging"] = urlencode(inputs["tags"])
        if inputs.get("objectLockLegalHoldStatus"):
            request["ObjectLockLegalHoldStatus"] = inputs["objectLockLegalHoldStatus"]
        if inputs.get("objectLockMode"):
            request["ObjectLockMode"] = inputs["objectLockMode"]
            request["ObjectLockRetainUntilDate"] = _time(inputs["objectLockRetainUntilDate"])
        if "contentBase64" in inputs:
            body = base64.b64decode(inputs["contentBase64"])
        else:
            body = str(inputs.get("content", "")).encode()
        self.client.put_object(Bucket=inputs["bucket"], Key=inputs["key"], Body=body, **request)

    def _retain(self, place: dict[str, str], old: Properties, new: Properties) -> None:
        if not new.get("objectLockMode"):
            return  # optional and computed: leaving it out keeps what is there
        retention = {"Mode": new["objectLockMode"], "RetainUntilDate": _time(new["objectLockRetainUntilDate"])}
        before = str(old.get("objectLockRetainUntilDate") or "")
        shorter = bool(before) and retention["RetainUntilDate"] < _time(before)
        bypass = {"BypassGovernanceRetention": True} if shorter and new.get("forceDestroy") else {}
        self.client.put_object_retention(**place, Retention=retention, **bypass)

    def _delete_versions(self, bucket: str, key: str, *, bypass: bool) -> None:
        extra = {"BypassGovernanceRetention": True} if bypass else {}
        for page in self.client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
            for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                if item["Key"] == key:
                    self.client.delete_object(Bucket=bucket, Key=key, VersionId=item["VersionId"], **extra)


def _version(head: dict[str, Any]) -> str:
    version = str(head.get("VersionId", ""))
    return "" if version == "null" else version


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ResourceError(f"objectLockRetainUntilDate ({text}) is not a time such as 2030-01-31T00:00:00Z") from error


KINDS: Final = (BucketObjectv2,)
