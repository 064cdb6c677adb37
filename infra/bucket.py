"""A bucket that is safe by construction: versioned, encrypted, private, reached over TLS only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from infra.component import Component
from infra.policies import Statement, document

OLDEST_TLS = "1.2"
UNFINISHED_UPLOAD_DAYS = 7


@dataclass(frozen=True)
class Keep:
    """How long objects below a prefix live."""

    prefix: str
    """Empty for the whole bucket."""
    days: int | None
    """Until an object is deleted; None for ever."""
    replaced_days: int
    """How long a deleted or overwritten version can still be brought back."""


@dataclass(frozen=True)
class BucketArgs:
    bucket_name: str
    key_arn: pulumi.Input[str]
    keep: Sequence[Keep]
    locked_days: int | None
    """Object Lock's default retention; None for no lock. It cannot be added to or taken from a bucket that exists."""
    disposable: bool


class SafeBucket(Component):
    """Access logs are off: server access logging into a bucket encrypted with a KMS key is documented as unsupported
    (Amazon S3 user guide, "Enabling Amazon S3 server access logging"), and an unencrypted bucket for them would break
    the rule that this class stands for. Object-level auditing is CloudTrail's."""

    bucket_name: pulumi.Output[str]
    versioning: s3.BucketVersioning

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._name = name
        bucket = s3.Bucket(
            name,
            bucket=args.bucket_name,
            object_lock_enabled=True if args.locked_days else None,
            force_destroy=args.disposable,
            opts=self.child(protect=not args.disposable),
        )
        self.bucket_name = bucket.id
        self.versioning = s3.BucketVersioning(
            name,
            bucket=bucket.id,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self.child(),
        )
        self._encrypt(bucket, args.key_arn)
        self._close(bucket)
        if args.locked_days:
            s3.BucketObjectLockConfiguration(
                name,
                bucket=bucket.id,
                rule=s3.BucketObjectLockConfigurationRuleArgs(
                    default_retention=s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                        mode="GOVERNANCE", days=args.locked_days
                    )
                ),
                opts=self.child(depends_on=[self.versioning]),
            )
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[_unfinished_uploads(), *(_rule(keep) for keep in args.keep)],
            opts=self.child(depends_on=[self.versioning]),
        )
        self.register_outputs({"bucketName": self.bucket_name})

    def _encrypt(self, bucket: s3.Bucket, key_arn: pulumi.Input[str]) -> None:
        s3.BucketServerSideEncryptionConfiguration(
            self._name,
            bucket=bucket.id,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="aws:kms", kms_master_key_id=key_arn
                        )
                    ),
                    bucket_key_enabled=True,  # one call to KMS for many objects, not one each
                )
            ],
            opts=self.child(),
        )

    def _close(self, bucket: s3.Bucket) -> None:
        block = s3.BucketPublicAccessBlock(
            self._name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.child(),
        )
        s3.BucketOwnershipControls(
            self._name,
            bucket=bucket.id,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self.child(),
        )
        everything = [bucket.arn, bucket.arn.apply(lambda arn: f"{arn}/*")]
        s3.BucketPolicy(
            self._name,
            bucket=bucket.id,
            policy=document(
                Statement(
                    sid="RefusePlainHttp",
                    allow=False,
                    principal="*",
                    actions=["s3:*"],
                    resources=everything,
                    conditions={"Bool": {"aws:SecureTransport": "false"}},
                ),
                Statement(
                    sid="RefuseOldTls",
                    allow=False,
                    principal="*",
                    actions=["s3:*"],
                    resources=everything,
                    conditions={"NumericLessThan": {"s3:TlsVersion": OLDEST_TLS}},
                ),
            ),
            # S3 refuses one of two changes to the same bucket's access at the same moment (OperationAborted).
            opts=self.child(depends_on=[block]),
        )


def _unfinished_uploads() -> s3.BucketLifecycleConfigurationRuleArgs:
    return s3.BucketLifecycleConfigurationRuleArgs(
        id="unfinished-uploads",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=UNFINISHED_UPLOAD_DAYS
        ),
    )


def _rule(keep: Keep) -> s3.BucketLifecycleConfigurationRuleArgs:
    """With a number of days S3 also removes the delete markers that are left alone; without one it must be told."""
    return s3.BucketLifecycleConfigurationRuleArgs(
        id=f"keep-{keep.prefix.strip('/') or 'all'}",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=keep.prefix),
        expiration=(
            s3.BucketLifecycleConfigurationRuleExpirationArgs(days=keep.days)
            if keep.days
            else s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True)
        ),
        noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=keep.replaced_days
        ),
    )
