"""New instances out of a snapshot, or as of a time."""

from __future__ import annotations

import datetime

from sandbox.cloud.rds import rules
from sandbox.cloud.rds.automated import AutomatedBackup
from sandbox.cloud.rds.creation import Creation, failed_restore_status
from sandbox.cloud.rds.errors import (
    backup_not_found,
    error,
    instance_not_found,
    invalid_combination,
    invalid_snapshot_state,
    invalid_value,
)
from sandbox.cloud.rds.model import AVAILABLE, Instance, InstanceSettings
from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.requested import COMMON
from sandbox.postgres import snapshot

_RESTORE = COMMON | {"DBSnapshotIdentifier", "DBName"}
_POINT_IN_TIME = COMMON | {
    "DBName", "RestoreTime", "SourceDBInstanceAutomatedBackupsArn", "SourceDBInstanceIdentifier", "SourceDbiResourceId",
    "TargetDBInstanceIdentifier", "UseLatestRestorableTime",
}  # fmt: skip
_SOURCES = ("SourceDBInstanceIdentifier", "SourceDbiResourceId", "SourceDBInstanceAutomatedBackupsArn")


class Restoring(Creation):
    def restore_snapshot(self, region: str, request: Request) -> Instance:
        """RestoreDBInstanceFromDBSnapshot."""
        request.accept(_RESTORE)
        source = self.service.snapshot(region, request.required("DBSnapshotIdentifier"))
        if source.region != region:
            raise invalid_value(
                f"The snapshot {source.arn} is in {source.region}; copy it to {region} first (CopyDBSnapshot)."
            )
        if source.status != AVAILABLE:
            raise invalid_snapshot_state(f"The snapshot {source.identifier} is not available (it is {source.status}).")
        settings = self._restored_settings(region, request, source.settings)
        instance = self.enter(region, request, settings)

        def build() -> None:
            instance.server.prepare_directory()
            snapshot.unpack(self.service.environment.installation, source.files, instance.server.data)
            self.start(instance)
            self.ready(instance)

        self.service.submit(instance, build, failed_restore_status)
        return instance

    def restore_point_in_time(self, region: str, request: Request) -> Instance:
        """RestoreDBInstanceToPointInTime: of a live instance, of retained backups, or of replicated ones."""
        request.accept(_POINT_IN_TIME)
        backup = self._restorable(region, request)
        moment = self._moment(request, backup)
        target = Request(
            request.action, {**request.values, "DBInstanceIdentifier": request.required("TargetDBInstanceIdentifier")}
        )
        settings = self._restored_settings(region, target, backup.settings, kms_key_id=backup.kms_key_id)
        instance = self.enter(region, target, settings)

        def build() -> None:
            instance.server.prepare_directory()
            recovery_target = backup.archive.restore(moment, instance.server.data)
            self.start(instance, recovery_target=recovery_target)
            self.start(instance)  # the running server takes the configuration without the target
            self.ready(instance)

        self.service.submit(instance, build, failed_restore_status)
        return instance

    def _restored_settings(
        self, region: str, request: Request, origin: InstanceSettings, **given: object
    ) -> InstanceSettings:
        """What a restore keeps (class, storage, key, users, retention, windows) and what it drops: all the rest."""
        requested_version = request.text("EngineVersion")
        if requested_version is not None:
            rules.check_version(requested_version, self.running_version)
        retention = request.integer("BackupRetentionPeriod")
        storage = request.integer("AllocatedStorage")
        if storage is not None and storage < origin.allocated_storage:
            raise invalid_combination(
                f"AllocatedStorage {storage} is below the {origin.allocated_storage} GiB of the source."
            )
        kept: dict[str, object] = {
            "engine_version": origin.engine_version,
            "instance_class": rules.check_class(request.text("DBInstanceClass") or origin.instance_class),
            "master_username": origin.master_username,
            "db_name": origin.db_name,
            "allocated_storage": storage or origin.allocated_storage,
            "storage_encrypted": origin.storage_encrypted,
            "kms_key_id": origin.kms_key_id,
            "backup_retention_period": rules.check_retention(
                origin.backup_retention_period if retention is None else retention
            ),
            "copy_tags_to_snapshot": bool(request.flag("CopyTagsToSnapshot")),
        }
        if not request.has("PreferredBackupWindow") and not request.has("PreferredMaintenanceWindow"):
            kept |= {"backup_window": origin.backup_window, "maintenance_window": origin.maintenance_window}
        return self.settings(region, request, **{**kept, **given})

    def _restorable(self, region: str, request: Request) -> AutomatedBackup:
        """The backups that the request names in one of three ways."""
        named = [name for name in _SOURCES if request.has(name)]
        if len(named) != 1:
            raise invalid_combination(f"Exactly one of {', '.join(_SOURCES)} must be given.")
        wanted = request.required(named[0])
        backups = self.service.region(region).backups
        if named[0] == "SourceDBInstanceAutomatedBackupsArn":
            found = backups.get(wanted)
            if found is None:
                raise backup_not_found(wanted)
            return found
        if named[0] == "SourceDbiResourceId":
            matches = [item for item in backups.values() if item.instance_resource_id.lower() == wanted.lower()]
            if not matches:
                raise backup_not_found(wanted)
            return matches[0]
        instance = self.service.instance(region, wanted)
        if instance.region != region:
            raise instance_not_found(wanted)
        own = self.service.own_backup(instance)
        if own is None:
            raise error(
                "PointInTimeRestoreNotEnabled",
                f"SourceDBInstanceIdentifier: {wanted} has backup retention period 0: it cannot be restored to a time.",
            )
        return own

    def _moment(self, request: Request, backup: AutomatedBackup) -> datetime.datetime:
        """The time to restore to, which must lie in the window of what can be restored."""
        wanted = request.time("RestoreTime")
        use_latest = bool(request.flag("UseLatestRestorableTime"))
        if (wanted is not None) == use_latest:
            raise invalid_combination("Exactly one of RestoreTime and UseLatestRestorableTime must be given.")
        window = backup.archive.window
        if window is None:
            raise error("InvalidRestoreFault", f"There is no complete backup of {backup.instance_identifier} yet.")
        moment = wanted if wanted is not None else window.latest
        if not window.earliest <= moment <= window.latest:
            raise invalid_value(
                f"The specified instance cannot be restored to {moment.isoformat()}: it can be restored to times from "
                f"{window.earliest.isoformat()} to {window.latest.isoformat()}."
            )
        return moment
