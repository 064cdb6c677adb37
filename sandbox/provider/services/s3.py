"""S3 buckets. Everything else about a bucket is a resource of its own: see the other ``s3_*`` modules."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, tag_list, tag_map
from sandbox.provider.core.values import Properties
from sandbox.provider.services import s3_object, s3_protection, s3_rules
from sandbox.provider.services.refusals import unsupported
from sandbox.provider.services.s3_empty import empty
from sandbox.provider.services.s3_setting import NO_BUCKET

_ZONES: Final = {
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-west-1": "Z2F56UZL2M1ACD",
    "us-west-2": "Z3BJ6K6RIION7M",
    "ca-central-1": "Z1QDHH18159H29",
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "eu-west-2": "Z3GKZC51ZF0DB4",
    "eu-west-3": "Z3R1K369G5AVDG",
}
"""Route 53 zones of S3's website endpoints (AWS General Reference, "Amazon S3 endpoints and quotas")."""

_STANDALONE: Final = (
    "accelerationStatus",
    "acl",
    "corsRules",
    "grants",
    "lifecycleRules",
    "logging",
    "objectLockConfiguration",
    "policy",
    "replicationConfiguration",
    "requestPayer",
    "serverSideEncryptionConfiguration",
    "versioning",
    "website",
)
"""Deprecated inline settings: they fight with the standalone resources."""


class Bucket(Resource):
    """A bucket. It is deleted with its objects only if the state (not the program) says forceDestroy."""

    token = "aws:s3/bucket:Bucket"  # noqa: S105
    service = "s3"
    defaults: ClassVar = {"forceDestroy": False}
    also_computed = frozenset({"objectLockEnabled", "bucketPrefix", "tagsAll"})
    write_only = frozenset({"forceDestroy", "bucketPrefix"})
    state_only = frozenset({"forceDestroy"})
    conflicts = (frozenset({"bucket", "bucketPrefix"}),)
    timeouts: ClassVar = {"create": 1200.0, "update": 1200.0, "delete": 3600.0}

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        found = unsupported(inputs, _STANDALONE, "use the standalone resource for it")
        return found + unsupported(inputs, ("bucketNamespace",))

    def create(self, inputs: Properties) -> str:
        bucket = str(inputs["bucket"])
        request: dict[str, Any] = {"Bucket": bucket}
        if self.call.region != "us-east-1":
            request["CreateBucketConfiguration"] = {"LocationConstraint": self.call.region}
        if inputs.get("objectLockEnabled"):
            request["ObjectLockEnabledForBucket"] = True
        # a bucket of that name that was deleted a moment ago
        self.call.retry_on(("OperationAborted",), lambda: self.client.create_bucket(**request))
        self.call.made(bucket)
        if inputs.get("tags"):
            self._tag(bucket, inputs["tags"])
        return bucket

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        try:
            head = self.client.head_bucket(Bucket=resource_id)
        except ClientError as error:
            if code_of(error) in {"404", NO_BUCKET}:
                return None
            raise
        region = head.get("BucketRegion") or self.call.region
        tags = self._tags(resource_id)
        return {
            "id": resource_id,
            "bucket": resource_id,
            "arn": f"arn:aws:s3:::{resource_id}",
            "bucketDomainName": f"{resource_id}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{resource_id}.s3.{region}.amazonaws.com",
            "bucketRegion": region,
            "hostedZoneId": _ZONES.get(region),
            "objectLockEnabled": self._locked(resource_id),
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        del old
        if "tags" not in changed:
            return
        if new.get("tags"):
            self._tag(resource_id, new["tags"])
        else:
            self.client.delete_bucket_tagging(Bucket=resource_id)

    def delete(self, resource_id: str, state: Properties) -> None:
        while True:
            try:
                self.client.delete_bucket(Bucket=resource_id)
            except ClientError as error:
                if code_of(error) == NO_BUCKET:
                    return
                if code_of(error) != "BucketNotEmpty" or not state.get("forceDestroy"):
                    raise
                # replication may have put something in since the last look
                if not empty(self.client, resource_id, locked=bool(state.get("objectLockEnabled"))):
                    raise
            else:
                return

    def _tag(self, bucket: str, tags: dict[str, str]) -> None:
        self.call.retry_on(
            (NO_BUCKET, "OperationAborted"),
            lambda: self.client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_list(tags)}),
        )

    def _tags(self, bucket: str) -> dict[str, str]:
        try:
            return tag_map(self.client.get_bucket_tagging(Bucket=bucket)["TagSet"])
        except ClientError as error:
            if code_of(error) in {"NoSuchTagSet", "NoSuchTagSetError"}:
                return {}
            raise

    def _locked(self, bucket: str) -> bool:
        try:
            answer = self.client.get_object_lock_configuration(Bucket=bucket)
        except ClientError as error:
            if code_of(error) == "ObjectLockConfigurationNotFoundError":
                return False
            raise
        return bool(answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")


KINDS: Final = (Bucket, *s3_protection.KINDS, *s3_rules.KINDS, *s3_object.KINDS)
