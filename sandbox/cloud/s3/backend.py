"""S3's state: moto's backend, with versions, deletions, locks and encryption as S3 has them, and replication.

One lock guards all of it. Everything is in memory, so a request holds it for as long as it works, and a conditional
write is one step ("Conditional writes": of two at the same time one succeeds; here never a 409, as nothing overlaps).
"""

from __future__ import annotations

import importlib
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.s3 import notifications
from moto.s3.exceptions import (
    AccessDeniedByLock,
    BucketAlreadyExists,
    CopyObjectMustChangeSomething,
    InvalidBucketName,
    InvalidStorageClass,
)
from moto.s3.models import MAX_BUCKET_NAME_LENGTH, MIN_BUCKET_NAME_LENGTH, PublicAccessBlock, S3Backend, s3_backends
from moto.s3.utils import STORAGE_CLASS

from sandbox.cloud.s3 import object_lock
from sandbox.cloud.s3.configuration import accept
from sandbox.cloud.s3.errors import S3Error, access_denied, invalid_bucket_state
from sandbox.cloud.s3.keys import KeyUnusableError, usable_key_arn
from sandbox.cloud.s3.objects import SSE_S3, Bucket, DeleteMarker, Named, ObjectVersion, is_kms
from sandbox.cloud.s3.policy import is_public
from sandbox.cloud.s3.replicator import Kind
from sandbox.cloud.s3.rules import ReplicationConfiguration
from sandbox.cloud.s3.scheduling import Scheduling

NULL_VERSION = "null"


class Backend(S3Backend):  # type: ignore[misc]
    """The buckets of the account, in all regions."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = threading.RLock()
        self.replication = Scheduling(self)
        self._locks_of_uploads: dict[str, object_lock.Lock] = {}

    @property
    def _url_module(self) -> Any:
        # the answers that the paths lead to need this module themselves
        return importlib.import_module("sandbox.cloud.s3.urls")

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request, undisturbed by others. What it wrote goes to replication at its end."""
        with self.lock, self.replication.request():
            yield

    # -- buckets -------------------------------------------------------------------------------------------------

    def create_bucket(self, bucket_name: str, region_name: str, bucket_namespace: str | None = None) -> Bucket:
        """A new bucket blocks public access, has no ACLs and encrypts ("Default settings for new S3 buckets", 2023)."""
        if bucket_name in s3_backends.bucket_accounts:
            raise BucketAlreadyExists(bucket=bucket_name)
        if not MIN_BUCKET_NAME_LENGTH <= len(bucket_name) <= MAX_BUCKET_NAME_LENGTH:
            raise InvalidBucketName
        bucket = Bucket(
            name=bucket_name, account_id=self.account_id, region_name=region_name, bucket_namespace=bucket_namespace
        )
        bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
        bucket.ownership_rule = "BucketOwnerEnforced"
        self.buckets[bucket_name] = bucket
        return bucket

    def find_bucket(self, name: str) -> Bucket | None:
        bucket: Bucket | None = self.buckets.get(name)
        return bucket

    def region_of(self, name: str) -> str | None:
        """The home region of a bucket."""
        bucket = self.buckets.get(name)
        return str(bucket.region_name) if bucket is not None else None

    def put_bucket_versioning(self, bucket_name: str, status: str) -> None:
        """Replication and Object Lock need it and do not let it go ("PutBucketVersioning", InvalidBucketState)."""
        bucket: Bucket = self.get_bucket(bucket_name)
        if status != "Enabled" and bucket.object_lock_enabled:
            raise invalid_bucket_state(
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
            )
        if status != "Enabled" and bucket.replication is not None:
            raise invalid_bucket_state(
                "A replication configuration is present on this bucket, so you cannot change the versioning state. "
                "To change the versioning state, first delete the replication configuration."
            )
        bucket.versioning_status = status

    def put_bucket_policy(self, bucket_name: str, policy: bytes) -> None:
        """A public policy is refused while BlockPublicPolicy is on ("Blocking public access")."""
        bucket: Bucket = self.get_bucket(bucket_name)
        try:
            public = is_public(policy)
        except ValueError as error:
            raise S3Error("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'") from error
        block = bucket.public_access_block
        if public and block is not None and block.block_public_policy:
            raise access_denied(
                "User is not authorized to perform: s3:PutBucketPolicy because public policies are prevented by the "
                "BlockPublicPolicy setting in S3 Block Public Access."
            )
        bucket.policy = policy

    def delete_bucket_encryption(self, bucket_name: str) -> None:
        """Without a configuration of its own a bucket encrypts with S3's keys."""
        self.get_bucket(bucket_name).encryption = SSE_S3

    def put_bucket_replication(self, bucket_name: str, replication: Mapping[str, Any]) -> None:
        self.get_bucket(bucket_name).replication = accept(replication, bucket_name, self._versioned)

    def get_bucket_replication(self, bucket_name: str) -> ReplicationConfiguration | None:
        bucket: Bucket = self.get_bucket(bucket_name)
        return bucket.replication

    def put_object_lock_configuration(
        self,
        bucket_name: str,
        lock_enabled: bool,
        mode: str | None = None,
        days: int | None = None,
        years: int | None = None,
    ) -> None:
        object_lock.configure(self.get_bucket(bucket_name), enabled=lock_enabled, mode=mode, days=days, years=years)

    def get_object_lock_configuration(self, bucket_name: str) -> tuple[bool, str | None, int | None, int | None]:
        """Days or years, whichever was put; moto shows the other one as 0."""
        enabled, mode, days, years = super().get_object_lock_configuration(bucket_name)
        return enabled, mode, days or None, years or None

    def _versioned(self, name: str) -> bool | None:
        bucket = self.find_bucket(name)
        return None if bucket is None else bool(bucket.is_versioned)

    # -- objects -------------------------------------------------------------------------------------------------

    def put_object(
        self,
        bucket_name: str,
        key_name: str,
        value: bytes,
        storage: str | None = None,
        request_method: str | None = "PUT",
        disable_notification: bool | None = False,
        **details: Any,
    ) -> ObjectVersion:
        """A new version. With suspended versioning it replaces the null version and no other."""
        if storage is not None and storage not in STORAGE_CLASS:
            raise InvalidStorageClass(storage=storage)
        with self.lock:
            bucket: Bucket = self.get_bucket(bucket_name)
            details |= self._encryption(bucket, details)
            if not details.get("lock_mode") and bucket.has_default_lock:
                details |= {"lock_mode": bucket.default_lock_mode, "lock_until": bucket.default_retention()}
            version = ObjectVersion(
                name=key_name,
                bucket_name=bucket_name,
                value=value,
                account_id=self.account_id,
                region_name=self.region_name,
                storage=storage,
                is_versioned=bucket.is_versioned,
                version_id=str(uuid.uuid4()) if bucket.is_versioned else NULL_VERSION,
                **details,
            )
            bucket.keep(key_name, [*bucket.others(key_name, version.version_id), version])
            self.replication.wrote(bucket, version)
        if not disable_notification:
            event = notifications.S3NotificationEvent
            name = event.OBJECT_CREATED_POST_EVENT if request_method == "POST" else event.OBJECT_CREATED_PUT_EVENT
            notifications.send_event(self.account_id, name, bucket, version)
        return version

    def _encryption(self, bucket: Bucket, details: Mapping[str, Any]) -> dict[str, Any]:
        """The bucket's default fills what the request leaves open. Raises for a KMS key that cannot be used."""
        rule = (bucket.encryption or SSE_S3)["Rule"]
        default = rule["ApplyServerSideEncryptionByDefault"]
        algorithm = details.get("encryption") or default["SSEAlgorithm"]
        if not str(algorithm).startswith("aws:kms"):
            return {"encryption": algorithm, "kms_key_id": None, "bucket_key_enabled": None}
        reference = details.get("kms_key_id") or default.get("KMSMasterKeyID")
        arn = self._key(bucket.region_name, reference)
        wanted = details.get("bucket_key_enabled") or rule.get("BucketKeyEnabled")
        return {
            "encryption": algorithm,
            "kms_key_id": arn,
            "bucket_key_enabled": "true" if str(wanted).lower() == "true" else None,
        }

    def _key(self, region: str, reference: str | None) -> str:
        try:
            return usable_key_arn(self.account_id, region, reference)
        except KeyUnusableError as problem:
            raise S3Error(problem.code, str(problem)) from problem

    def check_readable(self, version: ObjectVersion) -> None:
        """An object is lost as long as its key is ("KMS.DisabledException"); what is told about it is not."""
        if is_kms(version):
            self._key(version.kms_key_id.split(":")[3], version.kms_key_id)

    def lock_upload(self, multipart_id: str, lock: object_lock.Lock) -> None:
        """Remember the lock that a multipart upload was begun with, which moto does not."""
        self._locks_of_uploads[multipart_id] = lock

    def complete_multipart_upload(self, bucket_name: str, multipart_id: str, body: Any) -> ObjectVersion | None:
        version: ObjectVersion | None = super().complete_multipart_upload(bucket_name, multipart_id, body)
        lock = self._locks_of_uploads.pop(multipart_id, None)
        if version is not None and lock is not None:
            lock.put_on(version)
        return version

    def abort_multipart_upload(self, bucket_name: str, multipart_id: str) -> None:
        super().abort_multipart_upload(bucket_name, multipart_id)
        self._locks_of_uploads.pop(multipart_id, None)

    def copy_object(self, src_key: ObjectVersion, dest_bucket_name: str, dest_key_name: str, **details: Any) -> None:
        """moto takes a default encryption, which every bucket has, for a change of the copy."""
        self.check_readable(src_key)
        bucket: Bucket = self.get_bucket(dest_bucket_name)
        in_place = src_key.name == dest_key_name and src_key.bucket_name == dest_bucket_name
        changes = ("storage", "encryption", "website_redirect_location")
        changed = any(details.get(name) for name in changes) or details.get("mdirective") == "REPLACE"
        old = bucket.is_versioned and details.get("provided_version_id")
        if in_place and bucket.encryption is SSE_S3 and not changed and not old:
            raise CopyObjectMustChangeSomething
        super().copy_object(src_key, dest_bucket_name, dest_key_name, **details)

    def delete_object(
        self, bucket_name: str, key_name: str, version_id: str | None = None, bypass: str | bool | None = False
    ) -> tuple[bool, dict[str, Any]]:
        """Without a version a marker hides the object, also one that never was ("Deleting object versions")."""
        with self.lock:
            bucket: Bucket = self.get_bucket(bucket_name)
            if version_id is not None:
                return _delete_version(bucket, key_name, version_id, bypass=str(bypass).lower() == "true")
            if bucket.versioning_status is None:
                existed = bool(bucket.versions(key_name))
                bucket.keep(key_name, [])
                return existed, {}
            marker = DeleteMarker(Named(key_name), version_id=None if bucket.is_versioned else NULL_VERSION)
            bucket.keep(key_name, [*bucket.others(key_name, marker.version_id), marker])
            self.replication.marked(bucket, marker)
            return True, {"version-id": marker.version_id, "delete-marker": "true"}

    def put_object_tagging(self, key: ObjectVersion, tags: dict[str, str] | None) -> ObjectVersion:
        super().put_object_tagging(key, tags)
        self._changed(key, Kind.TAGS)
        return key

    def delete_object_tagging(self, bucket_name: str, key_name: str, version_id: str | None = None) -> None:
        super().delete_object_tagging(bucket_name, key_name, version_id)
        self._changed(self.get_object(bucket_name, key_name, version_id), Kind.TAGS)

    def put_object_retention(
        self, bucket_name: str, key_name: str, version_id: str | None, retention: tuple[str | None, str | None]
    ) -> None:
        super().put_object_retention(bucket_name, key_name, version_id, retention)
        self._changed(self.get_object(bucket_name, key_name, version_id), Kind.LOCK)

    def put_object_legal_hold(
        self, bucket_name: str, key_name: str, version_id: str | None, legal_hold_status: Any
    ) -> None:
        super().put_object_legal_hold(bucket_name, key_name, version_id, legal_hold_status)
        self._changed(self.get_object(bucket_name, key_name, version_id), Kind.LOCK)

    def _changed(self, version: ObjectVersion, kind: Kind) -> None:
        bucket = self.find_bucket(version.bucket_name)
        if bucket is not None:
            self.replication.changed(bucket, version, kind)

    def tags_of(self, version: ObjectVersion) -> dict[str, str]:
        return dict(self.tagger.get_tag_dict_for_resource(version.arn))


def _delete_version(bucket: Bucket, name: str, version_id: str, *, bypass: bool) -> tuple[bool, dict[str, Any]]:
    version = bucket.version(name, version_id)
    if isinstance(version, ObjectVersion) and version.is_locked(governance_bypass=bypass):
        raise AccessDeniedByLock
    if version is None:
        return False, {"version-id": version_id}
    bucket.keep(name, bucket.others(name, version_id))
    marker = {"delete-marker": "true"} if isinstance(version, DeleteMarker) else {}
    return True, {"version-id": version_id, **marker}
