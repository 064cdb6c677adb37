"""Who may do what with a bucket: its policy, its public access block, and for anonymous callers nothing else.

"How Amazon S3 authorizes a request", "Blocking public access to your Amazon S3 storage". Signed callers belong to the
account and are taken to have every permission that no bucket policy denies; IAM policies are not enforced here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sandbox.cloud.layer import Asked
from sandbox.cloud.s3.errors import access_denied
from sandbox.cloud.s3.policy import Access, Principal, Verdict, evaluate, is_public

_PARTITION = "aws"

# The permission that an operation needs, where it is not called like the operation ("Actions, resources, and condition
# keys for Amazon S3").
_ACTIONS = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
_WITH_VERSION = {"DeleteObject", "GetObject", "GetObjectAcl", "GetObjectTagging", "PutObjectTagging"}
# The account's own root can always mend a policy that locks everybody out ("Bucket policies: lockout").
_NEVER_LOCKED_OUT = {"s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"}


@dataclass(frozen=True)
class Caller:
    """Who asks, with the condition keys of the request."""

    principal: Principal
    context: Mapping[str, str]
    operation: str

    @property
    def anonymous(self) -> bool:
        return not self.principal.account


class _Current(threading.local):
    caller: Caller | None = None


_current = _Current()


def caller_of(asked: Asked, account: str, headers: Mapping[str, str], query: Mapping[str, Any], address: str) -> Caller:
    """The caller of a request. Loopback stands for TLS: clients of the real service get nothing else."""
    arn = _arn_of(asked.access_key, account) if asked.access_key else ""
    context = {
        "aws:securetransport": "true",
        "aws:sourceip": address,
        "aws:currenttime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:principalisawsservice": "false",
        **({"aws:principalarn": arn, "aws:principalaccount": account} if arn else {}),
    }
    for name in ("x-amz-acl", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"):
        if name in headers:
            context[f"s3:{name}"] = headers[name]
    for name, key in (("prefix", "s3:prefix"), ("versionId", "s3:versionid"), ("delimiter", "s3:delimiter")):
        if query.get(name):
            context[key] = str(query[name][0])
    return Caller(Principal(arn=arn, account=account if arn else ""), context, asked.action)


@contextmanager
def acting(caller: Caller) -> Iterator[None]:
    """Within, this thread works for ``caller``."""
    _current.caller = caller
    try:
        yield
    finally:
        _current.caller = None


def authorize(bucket: Any, key: str, caller: Caller, *, versioned: bool) -> None:
    """Raise AccessDenied unless the caller may do its operation. ``versioned``: it names a version."""
    action = action_of(caller.operation, versioned=versioned)
    resource = f"{bucket.arn}/{key}" if key else str(bucket.arn)
    verdict = _verdict(bucket, action, resource, caller)
    if verdict is Verdict.DENY and not (action in _NEVER_LOCKED_OUT and caller.principal.arn.endswith(":root")):
        raise access_denied()
    if caller.anonymous and verdict is not Verdict.ALLOW:
        raise access_denied()


def may_list(bucket: Any, caller: Caller) -> bool:
    """Whether a caller may know that an object is not there; others get 403 instead of 404."""
    verdict = _verdict(bucket, "s3:ListBucket", str(bucket.arn), caller)
    return verdict is Verdict.ALLOW or (verdict is Verdict.SILENT and not caller.anonymous)


def denied_one_of_many(bucket: Any, action: str, resource: str) -> bool:
    """Whether the policy denies one of the objects of a DeleteObjects call."""
    caller = _current.caller
    if caller is None or caller.operation != "DeleteObjects":
        return False
    return _verdict(bucket, action, resource, caller) is Verdict.DENY


def action_of(operation: str, *, versioned: bool) -> str:
    """``s3:GetObjectVersion`` for a GetObject of a version."""
    name = _ACTIONS.get(operation, operation)
    if versioned and name in _WITH_VERSION:
        name = name.replace("Object", "ObjectVersion", 1)
    return f"s3:{name}"


def _verdict(bucket: Any, action: str, resource: str, caller: Caller) -> Verdict:
    if bucket.policy is None:
        return Verdict.SILENT
    verdict = evaluate(bucket.policy, Access(action, resource, caller.principal, caller.context))
    block = bucket.public_access_block
    if verdict is Verdict.ALLOW and caller.anonymous and block is not None and block.restrict_public_buckets:
        return Verdict.SILENT if is_public(bucket.policy) else verdict
    return verdict


def _arn_of(access_key: str, account: str) -> str:
    """The role or the user that a key belongs to; any other key is the account itself."""
    for session in sts_backends[account][_PARTITION].assumed_roles:
        if session.access_key_id == access_key:
            return str(session.role_arn)
    user = iam_backends[account][_PARTITION].get_user_from_access_key_id(access_key)
    return str(user.arn) if user is not None else f"arn:aws:iam::{account}:root"
