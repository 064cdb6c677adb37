"""Deliver one replication task: check what AWS checks, then write to the destination bucket.

"What does Amazon S3 replicate?", "Setting up permissions for live replication", "Replicating encrypted objects",
"Amazon S3 replication failure reasons". The role is held to its policies (inline and attached ones, and what the two
buckets' policies deny); permissions boundaries and key policies are not looked at: a key is taken to let its account's
policies decide, as the default key policy does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends

from sandbox.cloud.s3.keys import KeyUnusableError, usable_key_arn
from sandbox.cloud.s3.objects import Bucket, DeleteMarker, Named, ObjectVersion, Status, is_kms
from sandbox.cloud.s3.policy import Access, Principal, Verdict, evaluate, evaluate_all
from sandbox.cloud.s3.replicator import DeliveryError, Kind, Task
from sandbox.cloud.s3.rules import Rule

if TYPE_CHECKING:
    from sandbox.cloud.s3.backend import Backend

_S3 = Principal(service="s3.amazonaws.com")


@dataclass(frozen=True)
class _Permission:
    """What the role must be allowed to do, and the reason that AWS gives when it is not."""

    action: str
    reason: str
    kinds: frozenset[Kind]
    tagged: bool = False
    locked: bool = False


_NEW, _TAGS, _LOCK = frozenset({Kind.OBJECT}), frozenset({Kind.OBJECT, Kind.TAGS}), frozenset({Kind.OBJECT, Kind.LOCK})
_PERMISSIONS = (
    _Permission("s3:GetObjectVersionForReplication", "SrcGetObjectNotPermitted", _NEW),
    _Permission("s3:GetObjectVersionTagging", "SrcGetTaggingNotPermitted", _TAGS, tagged=True),
    _Permission("s3:GetObjectRetention", "SrcGetObjectNotPermitted", _LOCK, locked=True),
    _Permission("s3:GetObjectLegalHold", "SrcGetObjectNotPermitted", _LOCK, locked=True),
    _Permission("s3:ReplicateObject", "DstPutObjectNotPermitted", _NEW | _LOCK),
    _Permission("s3:ReplicateTags", "DstPutTaggingNotPermitted", _TAGS, tagged=True),
    _Permission("s3:ReplicateDelete", "DstDelObjNotPermitted", frozenset({Kind.DELETE_MARKER})),
)


class Delivery:
    """Delivers into the buckets of ``backend``; holds its lock while it does."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self, task: Task) -> None:
        """Do it. Raises DeliveryError with the reason that AWS gives."""
        with self._backend.lock:
            source = self._backend.find_bucket(task.source)
            version = source.version(task.name, task.version_id) if source is not None else None
            if source is None or version is None:
                return  # deleted before it was replicated: nothing is left whose status could be told
            rule, role = self._rule(source, version, task)
            destination = self._destination(source, task)
            self._permitted(task, role, version)
            if isinstance(version, DeleteMarker):
                _deliver_marker(version, destination)
            elif task.kind is Kind.OBJECT:
                key = self._replica_key(version, source, destination, rule, role) if is_kms(version) else None
                self._deliver_object(version, destination, key, rule.storage_class)
            else:
                self._deliver_change(version, destination, task.kind)
            version.replication.destinations[task.destination] = Status.COMPLETED

    def _rule(self, source: Bucket, version: ObjectVersion | DeleteMarker, task: Task) -> tuple[Rule, str]:
        """The rule that sends it, also if the configuration was written anew meanwhile."""
        configuration = source.replication
        if configuration is None:
            raise DeliveryError("SrcBucketReplicationConfigMissing")
        rule = configuration.rule_to(task.destination, task.rule_id)
        if rule is None:
            tags = self._backend.tags_of(version) if isinstance(version, ObjectVersion) else {}
            kms = isinstance(version, ObjectVersion) and is_kms(version)
            rule = configuration.for_object(task.name, tags, kms=kms).get(task.destination)
        if rule is None:
            raise DeliveryError("SrcObjectNotEligible")
        return rule, configuration.role

    def _destination(self, source: Bucket, task: Task) -> Bucket:
        destination = self._backend.find_bucket(task.destination)
        if destination is None:
            raise DeliveryError("DstBucketNotFound")
        if not destination.is_versioned:
            raise DeliveryError("DstBucketUnversioned")
        if source.object_lock_enabled and not destination.object_lock_enabled:
            raise DeliveryError("DstBucketObjectLockConfigMissing")
        return destination

    def _deliver_object(
        self, version: ObjectVersion, destination: Bucket, key: str | None, storage_class: str | None
    ) -> None:
        if destination.version(version.name, version.version_id) is None:
            replica = _replica_of(version, destination, key, storage_class)
            self._backend.tagger.copy_tags(version.arn, replica.arn)
            destination.insert(version.name, replica)

    def _deliver_change(self, version: ObjectVersion, destination: Bucket, kind: Kind) -> None:
        copy = destination.version(version.name, version.version_id)
        if not isinstance(copy, ObjectVersion):
            raise DeliveryError("DstVersionNotFound")
        if kind is Kind.TAGS:
            self._backend.tagger.delete_all_tags_for_resource(copy.arn)
            self._backend.tagger.copy_tags(version.arn, copy.arn)
        else:
            _copy_lock(version, copy)

    def _replica_key(
        self, version: ObjectVersion, source: Bucket, destination: Bucket, rule: Rule, role: str
    ) -> str | None:
        """The ARN of the key of the replica. The source's key is needed to read, the destination's to write."""
        account = self._backend.account_id
        for place, bucket, reference, action in (
            ("Src", source, version.kms_key_id, "kms:Decrypt"),
            ("Dst", destination, rule.replica_key, "kms:Encrypt"),
        ):
            try:
                arn = usable_key_arn(account, bucket.region_name, reference)
            except KeyUnusableError as problem:
                raise DeliveryError(f"{place}KmsKey{'InvalidState' if problem.found else 'NotFound'}") from problem
            within = bucket.arn if _bucket_key(bucket) else f"{bucket.arn}/{version.name}"
            context = {
                "kms:viaservice": f"s3.{bucket.region_name}.amazonaws.com",
                "kms:encryptioncontext:aws:s3:arn": within,
            }
            if self._role_verdict(role, action, arn, context) is not Verdict.ALLOW:
                raise DeliveryError(f"{place}Kms{action.removeprefix('kms:')}NotPermitted")
        return arn

    def _permitted(self, task: Task, role: str, version: ObjectVersion | DeleteMarker) -> None:
        """The role's policies allow what the task does and the buckets' policies do not deny it."""
        tagged = isinstance(version, ObjectVersion) and bool(self._backend.tags_of(version))
        locked = isinstance(version, ObjectVersion) and bool(version.lock_mode or version.lock_legal_status)
        for needed in _PERMISSIONS:
            if task.kind not in needed.kinds or (needed.tagged and not tagged) or (needed.locked and not locked):
                continue
            bucket = task.source if needed.reason.startswith("Src") else task.destination
            resource = f"arn:aws:s3:::{bucket}/{task.name}"
            allowed = self._role_verdict(role, needed.action, resource, {}) is Verdict.ALLOW
            if not allowed or self._denied_by_bucket(bucket, needed.action, resource, role):
                raise DeliveryError(needed.reason)

    def _denied_by_bucket(self, name: str, action: str, resource: str, role: str) -> bool:
        bucket = self._backend.find_bucket(name)
        if bucket is None or bucket.policy is None:
            return False
        principal = Principal(arn=role, account=self._backend.account_id)
        context = {"aws:securetransport": "true", "aws:principalarn": role}
        return evaluate(bucket.policy, Access(action, resource, principal, context)) is Verdict.DENY

    def _role_verdict(self, role_arn: str, action: str, resource: str, context: dict[str, str]) -> Verdict:
        iam = iam_backends[self._backend.account_id][self._backend.partition]
        role = next((found for found in list(iam.roles.values()) if found.arn == role_arn), None)
        trusted = role is not None and evaluate(
            role.assume_role_policy_document or "{}", Access("sts:AssumeRole", role_arn, _S3)
        )
        if trusted is not Verdict.ALLOW:
            raise DeliveryError("AssumeRoleNotPermitted")
        principal = Principal(arn=role_arn, account=self._backend.account_id)
        return evaluate_all(_documents(role), Access(action, resource, principal, context))


def _deliver_marker(marker: DeleteMarker, destination: Bucket) -> None:
    if destination.version(marker.name, marker.version_id) is None:
        copy = DeleteMarker(Named(marker.name), version_id=marker.version_id, created=marker.last_modified)
        copy.replication.replica = True
        destination.insert(marker.name, copy)


def _documents(role: Any) -> Iterator[str]:
    yield from role.policies.values()
    for policy in role.managed_policies.values():
        yield next(version.document for version in policy.versions if version.is_default)


def _bucket_key(bucket: Bucket) -> bool:
    return str((bucket.encryption or {}).get("Rule", {}).get("BucketKeyEnabled", "false")).lower() == "true"


def _replica_of(
    version: ObjectVersion, destination: Bucket, key: str | None, storage_class: str | None
) -> ObjectVersion:
    """The same version, with the creation time and the ETag of the original."""
    replica = ObjectVersion(
        name=version.name,
        value=version.value,
        account_id=version.account_id,
        region_name=version.region_name,
        storage=storage_class or version.storage_class,
        etag=version.etag.strip('"'),
        is_versioned=True,
        version_id=version.version_id,
        bucket_name=destination.name,
        encryption=version.encryption,
        kms_key_id=key,
        bucket_key_enabled="true" if key is not None and _bucket_key(destination) else None,
        checksum_value=version.checksum_value,
        checksum_type=version.checksum_type,
        checksum_parts=version.checksum_parts,
    )
    replica.set_metadata(dict(version.metadata))
    replica.checksum_algorithm = version.checksum_algorithm
    replica.website_redirect_location = version.website_redirect_location
    replica.set_acl(version.acl)
    replica.last_modified = version.last_modified
    replica.replication.replica = True
    _copy_lock(version, replica)
    if not version.lock_mode and destination.has_default_lock:
        replica.lock_mode, replica.lock_until = destination.default_lock_mode, destination.default_retention()
    return replica


def _copy_lock(version: ObjectVersion, copy: ObjectVersion) -> None:
    copy.lock_mode = version.lock_mode
    copy.lock_until = version.lock_until
    copy.lock_legal_status = version.lock_legal_status
