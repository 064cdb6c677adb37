"""Changes to an instance that exists: promote, reboot, stop, start, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.cloud.rds import rules
from sandbox.cloud.rds.backups import Backups
from sandbox.cloud.rds.creation import failed_status
from sandbox.cloud.rds.errors import invalid_combination, invalid_instance_state
from sandbox.cloud.rds.model import AVAILABLE, DELETING, FAILED, STOPPED, Instance
from sandbox.cloud.rds.parameters import PENDING_REBOOT, Change
from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.service import RdsService
from sandbox.cloud.rds.snapshots import Snapshots

MODIFYING = "modifying"
IN_SYNC = "in-sync"
APPLYING = "applying"


class Changes:
    def __init__(self, service: RdsService, backups: Backups, snapshots: Snapshots) -> None:
        self.service = service
        self.backups = backups
        self.snapshots = snapshots

    def promote(self, region: str, request: Request) -> Instance:
        """PromoteReadReplica: in place, so that the identifiers, the endpoint and the data stay."""
        request.accept({"DBInstanceIdentifier", "BackupRetentionPeriod", "PreferredBackupWindow"})
        instance = self.service.instance(region, request.required("DBInstanceIdentifier"))
        retention = request.integer("BackupRetentionPeriod")
        # The API's default (PromoteReadReplica, BackupRetentionPeriod).
        retention = rules.check_retention(1 if retention is None else retention)
        window = request.text("PreferredBackupWindow") or instance.settings.backup_window
        rules.check_windows(window, instance.settings.maintenance_window)
        with self.service.lock:
            if instance.source is None:
                raise invalid_instance_state(f"DB instance {instance.identifier} is not a read replica.")
            self.service.require_available(instance)
            if retention == 0 and self.service.replicas_of(instance):
                raise invalid_combination("BackupRetentionPeriod cannot be 0 for a source of read replicas.")
            self.service.set_status(instance, MODIFYING)
        self.service.submit(instance, lambda: self._promote(instance, retention, window))
        return instance

    def reboot(self, region: str, request: Request) -> Instance:
        """RebootDBInstance: what the parameter group says takes effect."""
        request.accept({"DBInstanceIdentifier", "ForceFailover"})
        instance = self.service.instance(region, request.required("DBInstanceIdentifier"))
        failover = bool(request.flag("ForceFailover"))
        if failover and not instance.settings.multi_az:
            raise invalid_combination("ForceFailover cannot be true for an instance that is not Multi-AZ.")
        with self.service.lock:
            if instance.status not in {AVAILABLE, "incompatible-parameters"}:
                self.service.require_available(instance)
            self.service.set_status(instance, "rebooting")

        def restart() -> None:
            if failover:
                self.service.change_settings(
                    instance,
                    availability_zone=instance.settings.secondary_availability_zone,
                    secondary_availability_zone=instance.settings.availability_zone,
                )
            self._take_parameter_group(instance)
            instance.server.restart()
            self.service.set_status(instance, AVAILABLE)

        self.service.submit(instance, restart, failed_status)
        return instance

    def stop(self, region: str, request: Request) -> Instance:
        """StopDBInstance."""
        request.accept({"DBInstanceIdentifier", "DBSnapshotIdentifier"})
        instance = self.service.instance(region, request.required("DBInstanceIdentifier"))
        with self.service.lock:
            self.service.require_available(instance)
            if instance.source is not None or self.service.replicas_of(instance):
                raise invalid_instance_state(
                    f"Cannot stop DB instance {instance.identifier}: it is or has a read replica."
                )
            name = request.text("DBSnapshotIdentifier")
            item = self.snapshots.enter_final(instance, name) if name is not None else None
            self.service.set_status(instance, "stopping")

        def halt() -> None:
            if item is not None:
                self.snapshots.take(instance, item)
            instance.server.stop()
            self.service.set_status(instance, STOPPED)

        self.service.submit(instance, halt)
        return instance

    def start(self, region: str, request: Request) -> Instance:
        """StartDBInstance."""
        request.accept({"DBInstanceIdentifier"})
        instance = self.service.instance(region, request.required("DBInstanceIdentifier"))
        with self.service.lock:
            if instance.status != STOPPED:
                raise invalid_instance_state(f"Instance {instance.identifier} is not stopped, it cannot be started.")
            self.service.set_status(instance, "starting")

        def begin() -> None:
            self._take_parameter_group(instance)
            instance.server.start()
            self.service.set_status(instance, AVAILABLE)

        self.service.submit(instance, begin, failed_status)
        return instance

    def delete(self, region: str, request: Request) -> Instance:
        """DeleteDBInstance. Replicas of what is deleted are promoted; copies of its backups elsewhere are retained."""
        request.accept(
            {"DBInstanceIdentifier", "SkipFinalSnapshot", "FinalDBSnapshotIdentifier", "DeleteAutomatedBackups"}
        )
        instance = self.service.instance(region, request.required("DBInstanceIdentifier"))
        final = request.text("FinalDBSnapshotIdentifier")
        self._check_delete(instance, final, skip=bool(request.flag("SkipFinalSnapshot")))
        keep_backups = request.flag("DeleteAutomatedBackups") is False
        with self.service.lock:
            if instance.status == DELETING:
                raise invalid_instance_state(f"Instance {instance.identifier} is already being deleted.")
            item = self.snapshots.enter_final(instance, final) if final is not None else None
            self.service.set_status(instance, DELETING)
            for replica in self.service.replicas_of(instance):
                self._release(replica)

        def remove() -> None:
            try:
                if item is not None:
                    self.snapshots.take(instance, item)
                self.backups.release(instance, keep=keep_backups)
                self.service.forget_server(instance)
            except Exception:
                instance.status = FAILED  # it is not being deleted any more: it can be deleted again
                raise
            with self.service.lock:
                self.service.region(instance.region).instances.pop(instance.identifier, None)

        self.service.submit(instance, remove)
        return instance

    def parameters_changed(self, region: str, group: str, changes: Sequence[Change]) -> None:
        """A parameter group was modified: dynamic parameters reach its servers at once, the others at a reboot."""
        with self.service.lock:
            users = [
                item
                for item in self.service.region(region).instances.values()
                if item.settings.parameter_group_name == group and item.status != DELETING
            ]
            for instance in users:
                for change in changes:
                    if change.immediate:
                        _set(instance.applied_parameters, change)
                    else:
                        instance.parameter_status = PENDING_REBOOT
        if any(change.immediate for change in changes):
            for instance in users:
                self.service.submit(instance, lambda item=instance: self._reload(item), lambda _: FAILED)  # type: ignore[misc]

    # -- work -----------------------------------------------------------------------------------------------------

    def _promote(self, instance: Instance, retention: int, window: str) -> None:
        instance.server.promote()
        with self.service.lock:
            instance.source = None
            instance.upstream = None
            instance.replication_error = None
        self.service.change_settings(instance, backup_retention_period=retention, backup_window=window)
        instance.server.configure(self.service.server_settings(instance))
        # "RDS reboots the DB instance before making it available" (user guide, promoting a read replica).
        instance.server.restart()
        self.backups.set_retention(instance, retention)
        self.service.set_status(instance, AVAILABLE)

    def _release(self, replica: Instance) -> None:
        """Promote a replica whose source is being deleted; it keeps its own retention."""
        if replica.status == AVAILABLE:
            self.service.set_status(replica, MODIFYING)
        settings = replica.settings
        self.service.submit(
            replica, lambda: self._promote(replica, settings.backup_retention_period, settings.backup_window)
        )

    def _take_parameter_group(self, instance: Instance) -> None:
        groups = self.service.region(instance.region).groups
        with self.service.lock:
            values: Mapping[str, str] = groups.parameter_values(instance.settings.parameter_group_name)
            instance.applied_parameters = dict(values)
            instance.parameter_status = IN_SYNC
        instance.server.configure(self.service.server_settings(instance))

    def _reload(self, instance: Instance) -> None:
        if instance.status == DELETING:
            return
        instance.server.configure(self.service.server_settings(instance))
        instance.server.reload()

    def _check_delete(self, instance: Instance, final: str | None, *, skip: bool) -> None:
        if instance.settings.deletion_protection:
            raise invalid_combination(
                "Cannot delete protected DB Instance, please disable deletion protection and try again."
            )
        if skip and final is not None:
            raise invalid_combination("FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is true.")
        if skip:
            return
        if instance.source is not None:
            raise invalid_combination(
                "FinalDBSnapshotIdentifier can not be specified when deleting a replica instance; use "
                "SkipFinalSnapshot."
            )
        if final is None:
            raise invalid_combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
        if instance.status not in {AVAILABLE, DELETING}:
            raise invalid_instance_state(
                f"A final snapshot of {instance.identifier} cannot be taken while it is {instance.status}; use "
                "SkipFinalSnapshot or wait."
            )


def _set(values: dict[str, str], change: Change) -> None:
    if change.value is None:
        values.pop(change.name, None)
    else:
        values[change.name] = change.value
