"""When something replicates: decided at the moment of the write, by the rules that are in place then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from moto.s3.utils import ARCHIVE_STORAGE_CLASSES

from sandbox.cloud.s3.delivery import Delivery
from sandbox.cloud.s3.objects import Bucket, DeleteMarker, ObjectVersion, Status, is_kms
from sandbox.cloud.s3.replicator import Kind, Replicator, Task

if TYPE_CHECKING:
    from sandbox.cloud.s3.backend import Backend


class Scheduling:
    """Turns writes into tasks of ``replicator`` and keeps the status of each version. Guarded by the backend's lock."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.replicator = Replicator(Delivery(backend), self._failed, backend.region_of)
        self._new: list[tuple[Bucket, ObjectVersion]] | None = None

    @contextmanager
    def request(self) -> Iterator[None]:
        """What is written within is complete at the end: metadata, tags and locks come after the bytes."""
        self._new = []
        try:
            yield
        finally:
            new, self._new = self._new, None
            for bucket, version in new:
                self._schedule(bucket, version)

    def wrote(self, bucket: Bucket, version: ObjectVersion) -> None:
        """A new version by a client; replicas are written past this, so nothing goes in circles."""
        if self._new is None:
            self._schedule(bucket, version)
        else:
            self._new.append((bucket, version))

    def marked(self, bucket: Bucket, marker: DeleteMarker) -> None:
        """A delete marker by a client. Deleting one version is never replicated."""
        rules = bucket.replication.for_delete_marker(marker.name) if bucket.replication is not None else {}
        for destination, rule in rules.items():
            self._submit(Kind.DELETE_MARKER, bucket, marker, destination, rule.id)

    def changed(self, bucket: Bucket, version: ObjectVersion, kind: Kind) -> None:
        """Tags or locks of a version changed: they follow it to where it went.

        Those of a replica only if its own bucket has a rule with replica modification sync.
        """
        if bucket.replication is None or any(version is new for _, new in self._new or ()):
            return
        if version.replication.replica:
            rules = bucket.replication.for_replica_change(version.name, self._backend.tags_of(version))
            ways = {destination: rule.id for destination, rule in rules.items()}
        else:
            gone = set(version.replication.destinations)
            ways = {rule.destination: rule.id for rule in bucket.replication.rules if rule.enabled}
            ways = {destination: rule_id for destination, rule_id in ways.items() if destination in gone}
        for destination, rule_id in ways.items():
            self._submit(kind, bucket, version, destination, rule_id)

    def _schedule(self, bucket: Bucket, version: ObjectVersion) -> None:
        if bucket.replication is None or version.storage_class in ARCHIVE_STORAGE_CLASSES:
            return
        tags = self._backend.tags_of(version)
        for destination, rule in bucket.replication.for_object(version.name, tags, kms=is_kms(version)).items():
            self._submit(Kind.OBJECT, bucket, version, destination, rule.id)

    def _submit(
        self, kind: Kind, bucket: Bucket, version: ObjectVersion | DeleteMarker, destination: str, rule_id: str
    ) -> None:
        version.replication.destinations[destination] = Status.PENDING
        size = version.size if isinstance(version, ObjectVersion) and kind is Kind.OBJECT else 0
        self.replicator.submit(Task(kind, bucket.name, destination, version.name, version.version_id, rule_id, size))

    def _failed(self, task: Task, _reason: str) -> None:
        with self._backend.lock:
            bucket = self._backend.find_bucket(task.source)
            version = bucket.version(task.name, task.version_id) if bucket is not None else None
            if version is not None:
                version.replication.destinations[task.destination] = Status.FAILED
