"""Buckets, object versions and delete markers: moto's own, with what replication and access need to know of them."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey

from sandbox.cloud.s3 import access
from sandbox.cloud.s3.clock import moment
from sandbox.cloud.s3.rules import ReplicationConfiguration

SSE_S3: dict[str, Any] = {
    "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}
}
"""What every bucket encrypts with unless told otherwise, since 2023 ("Setting default server-side encryption")."""


class Status(StrEnum):
    """``x-amz-replication-status`` ("Getting replication status information")."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REPLICA = "REPLICA"


@dataclass
class Replication:
    """Where a version goes, and how far that is. Guarded by the backend's lock."""

    replica: bool = False
    destinations: dict[str, Status] = field(default_factory=dict)

    @property
    def status(self) -> Status | None:
        """With several destinations: FAILED as soon as one failed, COMPLETED when all are.

        None if no rule applied. A replica is a REPLICA except while a change of it travels back.
        """
        states = set(self.destinations.values())
        if Status.FAILED in states:
            return Status.FAILED
        if Status.PENDING in states:
            return Status.PENDING
        if self.replica:
            return Status.REPLICA
        return Status.COMPLETED if states else None


class _Untracked(list[object]):
    """moto keeps every object that ever was in a list, for its dashboard; here the memory goes when the object goes."""

    def append(self, _: object, /) -> None:
        return


class ObjectVersion(FakeKey):  # type: ignore[misc]
    """One version of an object."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.replication = Replication()
        # later computed from the same file that somebody may be reading; and wanted by every listing
        self.etag  # noqa: B018

    def is_locked(self, governance_bypass: bool) -> bool:
        """Whether nobody may delete it now; a legal hold and compliance know no exception."""
        if self.lock_legal_status == "ON":
            return True
        if self.lock_mode is None or self.lock_until is None or (self.lock_mode == "GOVERNANCE" and governance_bypass):
            return False
        return moment(self.lock_until) > datetime.now(UTC)

    def __deepcopy__(self, _: dict[int, object]) -> ObjectVersion:
        """What a listing shows. moto copies each version with its bytes for that."""
        view = ObjectVersion.__new__(ObjectVersion)
        view.__dict__.update(self.__dict__)
        view._value_buffer = io.BytesIO()  # noqa: SLF001 - the real one must not be closed with the view
        view.multipart = None
        return view


def is_kms(version: ObjectVersion) -> bool:
    """Whether its encryption needs a KMS key (``aws:kms``, ``aws:kms:dsse``)."""
    return str(version.encryption or "").startswith("aws:kms")


class DeleteMarker(FakeDeleteMarker):  # type: ignore[misc]
    """A delete marker; ``version_id`` and ``created`` are given for one that is a replica or the null version."""

    def __init__(self, key: Any, *, version_id: str | None = None, created: datetime | None = None) -> None:
        super().__init__(key)
        if version_id is not None:
            self._version_id = version_id
        if created is not None:
            self.last_modified = created
        self.replication = Replication()


@dataclass(frozen=True)
class Named:
    """What a delete marker needs to know of the object that it hides."""

    name: str


class Bucket(FakeBucket):  # type: ignore[misc]
    """One bucket, with the defaults that a new one has."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.encryption = SSE_S3
        self.replication: ReplicationConfiguration | None = None

    def get_permission(self, action: str, resource: str) -> PermissionResult:
        """moto's question, which it asks with the wrong action for half of the operations.

        The policy was evaluated before (see ``access``); what is new here is each object of a DeleteObjects.
        """
        denied = access.denied_one_of_many(self, action, resource)
        return PermissionResult.DENIED if denied else PermissionResult.PERMITTED

    def versions(self, name: str) -> list[ObjectVersion | DeleteMarker]:
        """All versions of a name, the current one last."""
        return list(self.keys.getlist(name, []))

    def version(self, name: str, version_id: str) -> ObjectVersion | DeleteMarker | None:
        return next((found for found in self.versions(name) if found.version_id == version_id), None)

    def others(self, name: str, version_id: str) -> list[ObjectVersion | DeleteMarker]:
        """All versions of a name but one."""
        return [found for found in self.versions(name) if found.version_id != version_id]

    def keep(self, name: str, versions: list[ObjectVersion | DeleteMarker]) -> None:
        """Replace the versions of a name; those that are left out lose their bytes."""
        self.keys.setlist(name, versions)
        if not versions:
            dict.pop(self.keys, name, None)

    def insert(self, name: str, version: ObjectVersion | DeleteMarker) -> None:
        """Put a replica where its creation time, which it keeps, belongs: the newest version is the current one."""
        others = self.others(name, version.version_id)
        place = next((i for i, other in enumerate(others) if other.last_modified > version.last_modified), len(others))
        self.keep(name, [*others[:place], version, *others[place:]])


ObjectVersion.instances_tracked = _Untracked()
DeleteMarker.instances_tracked = _Untracked()
