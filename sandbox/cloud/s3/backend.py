"""S3's state: moto's backend, with versions, deletions, locks and encryption as S3 has them, and replication.

One lock guards all of it. Everything is in memory, so a request holds it for as long as it works, and a conditional
write is one step ("Conditional writes": of two at the same time one succeeds; here never a 409, as nothing overlaps).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.s3 import notifications
from moto.s3.exceptions import BucketAlreadyExists, InvalidBucketName, InvalidStorageClass
from moto.s3.models import MAX_BUCKET_NAME_LENGTH, MIN_BUCKET_NAME_LENGTH, PublicAccessBlock, S3Backend, s3_backends
from moto.s3.utils import ARCHIVE_STORAGE_CLASSES, STORAGE_CLASS

from sandbox.cloud.s3 import object_lock, urls
from sandbox.cloud.s3.configuration import accept
from sandbox.cloud.s3.delivery import Delivery, is_kms
from sandbox.cloud.s3.errors import S3Refused, access_denied, invalid_bucket_state
from sandbox.cloud.s3.keys import KeyUnusable, usable_key_arn
from sandbox.cloud.s3.objects import SSE_S3, Bucket, DeleteMarker, Named, ObjectVersion, Status
from sandbox.cloud.s3.policy import is_public
from sandbox.cloud.s3.replicator import Kind, Replicator, Task
from sandbox.cloud.s3.rules import ReplicationConfiguration, Rule

Version = ObjectVersion | DeleteMarker
NULL_VERSION = "null"


class Backend(S3Backend):  # type: ignore[misc]
    """The buckets of the account, in all regions."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = threading.RLock()
        self.replicator = Replicator(Delivery(self), self._replication_failed, self.region_of)
        # the versions that the request at hand made: they replicate when it is complete (metadata and tags come last)
        self._new: list[tuple[Bucket, ObjectVersion]] | None = None

    @property
    def _url_module(self) -> Any:
        return urls

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request, undisturbed by others. What it wrote goes to replication at its end."""
        with self.lock:
            self._new = []
            try:
                yield
            finally:
                new, self._new = self._new, None
                for bucket, version in new:
                    self._replicate_object(bucket, version)

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
        return self.buckets.get(name)

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
            raise S3Refused("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'") from error
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
                version_id=new_version_id() if bucket.is_versioned else NULL_VERSION,
                **details,
            )
            others = [other for other in bucket.versions(key_name) if other.version_id != version.version_id]
            bucket.keep(key_name, [*others, version])
            if self._new is not None:
                self._new.append((bucket, version))
            else:
                self._replicate_object(bucket, version)
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
        try:
            arn = usable_key_arn(self.account_id, bucket.region_name, reference)
        except KeyUnusable as problem:
            raise S3Refused(problem.code, str(problem)) from problem
        wanted = details.get("bucket_key_enabled") or rule.get("BucketKeyEnabled")
        return {
            "encryption": algorithm,
            "kms_key_id": arn,
            "bucket_key_enabled": "true" if str(wanted).lower() == "true" else None,
        }

    def complete_multipart_upload(self, bucket_name: str, multipart_id: str, body: Any) -> ObjectVersion | None:
        """Locks that were asked for when the upload began come with it; moto forgets them."""
        multipart = self.get_bucket(bucket_name).multiparts.get(multipart_id)
        version: ObjectVersion | None = super().complete_multipart_upload(bucket_name, multipart_id, body)
        if version is not None and multipart is not None:
            object_lock.apply(version, getattr(multipart, "lock", None))
        return version

    def delete_object(
        self, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> tuple[bool, dict[str, Any]]:
        """Without a version a marker hides the object, also one that never was ("Deleting object versions")."""
        bucket: Bucket = self.get_bucket(bucket_name)
        with self.lock:
            if version_id is not None:
                return self._delete_version(bucket, key_name, version_id, bypass=bypass)
            if bucket.versioning_status is None:
                existed = bool(bucket.versions(key_name))
                bucket.keep(key_name, [])
                return existed, {}
            marker = DeleteMarker(Named(key_name), version_id=None if bucket.is_versioned else NULL_VERSION)
            others = [other for other in bucket.versions(key_name) if other.version_id != marker.version_id]
            bucket.keep(key_name, [*others, marker])
            self._replicate_marker(bucket, marker)
            return True, {"version-id": marker.version_id, "delete-marker": "true"}

    def _delete_version(
        self, bucket: Bucket, name: str, version_id: str, *, bypass: bool
    ) -> tuple[bool, dict[str, Any]]:
        version = bucket.version(name, version_id)
        if isinstance(version, ObjectVersion) and version.is_locked(governance_bypass=bypass):
            raise access_denied("Access Denied because object protected by object lock.")
        if version is None:
            return False, {"version-id": version_id}
        bucket.keep(name, [other for other in bucket.versions(name) if other is not version])
        answer: dict[str, Any] = {"version-id": version_id}
        if isinstance(version, DeleteMarker):
            answer["delete-marker"] = "true"
        return True, answer

    def put_object_tagging(self, key: ObjectVersion, tags: dict[str, str] | None) -> ObjectVersion:
        super().put_object_tagging(key, tags)
        self._replicate_change(key, Kind.TAGS)
        return key

    def delete_object_tagging(self, bucket_name: str, key_name: str, version_id: str | None = None) -> None:
        super().delete_object_tagging(bucket_name, key_name, version_id)
        self._replicate_change(self.get_object(bucket_name, key_name, version_id), Kind.TAGS)

    def put_object_retention(
        self, bucket_name: str, key_name: str, version_id: str | None, retention: tuple[str | None, str | None]
    ) -> None:
        super().put_object_retention(bucket_name, key_name, version_id, retention)
        self._replicate_change(self.get_object(bucket_name, key_name, version_id), Kind.LOCK)

    def put_object_legal_hold(
        self, bucket_name: str, key_name: str, version_id: str | None, legal_hold_status: Any
    ) -> None:
        super().put_object_legal_hold(bucket_name, key_name, version_id, legal_hold_status)
        self._replicate_change(self.get_object(bucket_name, key_name, version_id), Kind.LOCK)

    def tags_of(self, version: ObjectVersion) -> dict[str, str]:
        return dict(self.tagger.get_tag_dict_for_resource(version.arn))
