"""DB snapshots: taken, copied (within a region and across), described, deleted."""

from __future__ import annotations

import dataclasses
import logging
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from sandbox.cloud.rds.backups import AUTOMATED, BACKING_UP
from sandbox.cloud.rds.encryption import key_arn
from sandbox.cloud.rds.errors import error, invalid_snapshot_state, invalid_value
from sandbox.cloud.rds.model import AVAILABLE, FAILED, Instance, Snapshot
from sandbox.cloud.rds.request import Request, Tags
from sandbox.cloud.rds.rules import check_identifier
from sandbox.cloud.rds.service import RdsService
from sandbox.postgres import snapshot as files
from sandbox.postgres import transfer

log = logging.getLogger(__name__)

MANUAL = "manual"
_LONGEST = 255
_COPY = frozenset({
    "SourceDBSnapshotIdentifier", "TargetDBSnapshotIdentifier", "KmsKeyId", "Tags", "CopyTags", "OptionGroupName",
    "SourceRegion", "PreSignedUrl", "SnapshotTarget",
})  # fmt: skip
_DESCRIBE = frozenset({
    "DBInstanceIdentifier", "DBSnapshotIdentifier", "DbiResourceId", "SnapshotType", "Filters", "MaxRecords", "Marker",
    "IncludeShared", "IncludePublic",
})  # fmt: skip


class Snapshots:
    def __init__(self, service: RdsService) -> None:
        self.service = service

    def create(self, region: str, request: Request) -> Snapshot:
        """CreateDBSnapshot. The instance is ``backing-up`` until it is done."""
        request.accept({"DBSnapshotIdentifier", "DBInstanceIdentifier", "Tags"})
        instance = self.service.instance(region, request.required("DBInstanceIdentifier"))
        identifier = check_identifier(
            "DBSnapshotIdentifier", request.required("DBSnapshotIdentifier"), longest=_LONGEST
        )
        with self.service.lock:
            self.service.require_available(instance)
            tags = request.tags()
            if not tags and instance.settings.copy_tags_to_snapshot:
                tags = instance.tags
            item = self._enter(self.of_instance(instance, identifier, tags))
            self.service.set_status(instance, BACKING_UP)

        def take() -> None:
            try:
                self.take(instance, item)
            finally:
                self.service.set_status(instance, AVAILABLE)

        self.service.submit(instance, take, lambda _: AVAILABLE)
        return item

    def of_instance(self, instance: Instance, identifier: str, tags: Tags = ()) -> Snapshot:
        """A manual snapshot that is yet to be taken."""
        state = self.service.region(instance.region)
        return Snapshot(
            identifier=identifier,
            region=instance.region,
            account_id=instance.account_id,
            instance_identifier=instance.identifier,
            instance_resource_id=instance.resource_id,
            instance_created=instance.created,
            settings=instance.settings,
            files=self._new_files(instance.region),
            snapshot_type=MANUAL,
            vpc_id=state.groups.vpc(instance.settings.subnet_group_name),
            initial_tags=tags,
        )

    def enter_final(self, instance: Instance, identifier: str) -> Snapshot:
        """The snapshot of an instance that is being deleted."""
        checked = check_identifier("FinalDBSnapshotIdentifier", identifier, longest=_LONGEST)
        tags = instance.tags if instance.settings.copy_tags_to_snapshot else ()
        return self._enter(self.of_instance(instance, checked, tags))

    def take(self, instance: Instance, item: Snapshot) -> None:
        """Copy the data; runs in the instance's worker."""
        self._finish(item, lambda: files.take(self.service.environment, instance.server.port, item.files))

    def copy(self, region: str, request: Request) -> Snapshot:
        """CopyDBSnapshot, called in the destination."""
        request.accept(_COPY)
        source_name = request.required("SourceDBSnapshotIdentifier")
        identifier = check_identifier(
            "TargetDBSnapshotIdentifier", request.required("TargetDBSnapshotIdentifier"), longest=_LONGEST
        )
        source = self.service.snapshot(region, source_name)
        if source.status != AVAILABLE:
            raise invalid_snapshot_state(f"The snapshot {source.identifier} is not available (it is {source.status}).")
        abroad = source.region != region
        key = self._copied_key(region, request.text("KmsKeyId"), source)
        item = Snapshot(
            identifier=identifier,
            region=region,
            account_id=source.account_id,
            instance_identifier=source.instance_identifier,
            instance_resource_id=source.instance_resource_id,
            instance_created=source.instance_created,
            settings=dataclasses.replace(source.settings, kms_key_id=key, storage_encrypted=key is not None),
            files=self._new_files(region),
            snapshot_type=MANUAL,
            vpc_id=source.vpc_id,
            original_created=source.original_created or source.created,
            source_region=source.region if abroad else None,
            source_arn=source.arn,
            initial_tags=request.tags() or (source.tags if request.flag("CopyTags") else ()),
        )
        self._enter(item)
        self.service.workers.submit(item.arn, lambda: self._finish(item, lambda: self._copy_files(source, item)))
        return item

    def delete(self, region: str, request: Request) -> Snapshot:
        """DeleteDBSnapshot. Automated ones go with their instance's backups only."""
        request.accept({"DBSnapshotIdentifier"})
        with self.service.lock:
            item = self.service.snapshot(region, request.required("DBSnapshotIdentifier"))
            if item.snapshot_type == AUTOMATED:
                raise invalid_snapshot_state(
                    f"Only manual snapshots may be deleted: {item.identifier} is an automated one."
                )
            if item.status == CREATING_STATUS:
                raise invalid_snapshot_state(f"The snapshot {item.identifier} is still being created.")
            del self.service.region(item.region).snapshots[item.identifier]
        item.status = "deleted"
        shutil.rmtree(item.files, ignore_errors=True)
        return item

    def describe(self, region: str, request: Request) -> list[Snapshot]:
        """DescribeDBSnapshots. A snapshot that is named and does not exist is an error, a filter's is not."""
        request.accept(_DESCRIBE)
        with self.service.lock:
            found: Iterable[Snapshot] = list(self.service.region(region).snapshots.values())
        identifier = request.text("DBSnapshotIdentifier")
        if identifier is not None:
            found = [self.service.snapshot(region, identifier)]
        kind = request.text("SnapshotType")
        if kind is not None and kind not in {MANUAL, AUTOMATED, "shared", "public", "awsbackup"}:
            raise invalid_value(f"Invalid value {kind} for parameter SnapshotType.")
        tests: dict[str, Callable[[Snapshot, tuple[str, ...]], bool]] = {
            "db-instance-id": lambda item, values: item.instance_identifier in {_name(value) for value in values},
            "db-snapshot-id": lambda item, values: item.identifier in {_name(value) for value in values},
            "dbi-resource-id": lambda item, values: item.instance_resource_id in values,
            "snapshot-type": lambda item, values: item.snapshot_type in values,
            "engine": lambda item, values: "postgres" in values,  # noqa: ARG005
        }
        wanted = {**request.filters()}
        for member, name in (("DBInstanceIdentifier", "db-instance-id"), ("DbiResourceId", "dbi-resource-id"),
                             ("SnapshotType", "snapshot-type")):  # fmt: skip
            value = request.text(member)
            if value is not None:
                wanted[name] = (value.lower() if member == "DBInstanceIdentifier" else value,)
        for name, values in wanted.items():
            if name not in tests:
                raise invalid_value(f"Unrecognized filter name: {name}")
            found = [item for item in found if tests[name](item, values)]
        return list(found)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _enter(self, item: Snapshot) -> Snapshot:
        snapshots = self.service.region(item.region).snapshots
        with self.service.lock:
            if item.identifier in snapshots:
                raise error(
                    "DBSnapshotAlreadyExists",
                    f"Cannot create the snapshot because a snapshot with the identifier {item.identifier} already "
                    "exists.",
                )
            snapshots[item.identifier] = item
        return item

    def _finish(self, item: Snapshot, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            item.status = FAILED
            raise
        item.percent_progress = 100
        item.status = AVAILABLE

    def _copied_key(self, region: str, wanted: str | None, source: Snapshot) -> str | None:
        if wanted is not None:
            return key_arn(source.account_id, region, wanted)
        if source.settings.storage_encrypted and source.region != region:
            raise invalid_value("Must specify new KMS key for cross region encrypted snapshot copy.")
        if source.settings.kms_key_id is not None:
            key_arn(source.account_id, region, source.settings.kms_key_id)
        return source.settings.kms_key_id

    def _copy_files(self, source: Snapshot, item: Snapshot) -> None:
        installation = self.service.environment.installation
        if source.region == item.region:
            files.copy(installation, source.files, item.files)
            return
        storage = self.service.region(source.region).storage
        port = self.service.link(source.region, item.region).port(storage.port)
        transfer.fetch(port, storage.offer(source.files), item.files, storage.account)

    def _new_files(self, region: str) -> Path:
        return self.service.region(region).directory / "snapshots" / secrets.token_hex(8)


CREATING_STATUS = "creating"


def _name(identifier_or_arn: str) -> str:
    return identifier_or_arn.rsplit(":", maxsplit=1)[-1].lower()
