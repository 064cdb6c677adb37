"""Automated backups: a base copy when they are switched on, the log from then on, and their replication abroad."""

from __future__ import annotations

import logging
import time
from threading import Event, Thread

import psycopg

from sandbox.cloud.rds.automated import ACTIVE, AutomatedBackup
from sandbox.cloud.rds.backup_replication import BackupReplication
from sandbox.cloud.rds.model import AVAILABLE, Instance, Snapshot, now
from sandbox.cloud.rds.service import RdsService
from sandbox.errors import SandboxError
from sandbox.postgres.archive import Archive

log = logging.getLogger(__name__)

BACKING_UP = "backing-up"
AUTOMATED = "automated"
_TICK = 1.0
_BUSY = 2.0
"""Seconds between two heartbeats of an instance that is written to."""
_IDLE = 60.0
"""The same where nothing happens: LatestRestorableTime of the real service advances every five minutes."""


class Backups:
    """All automated backups of one cloud."""

    def __init__(self, service: RdsService) -> None:
        self.service = service
        self.replication = BackupReplication(service)
        self._closing = Event()
        self._thread = Thread(target=self._run, name="rds backups", daemon=True)
        self._advanced: dict[str, float] = {}
        self._busy: set[str] = set()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def enable(self, instance: Instance) -> None:
        """Let the log arrive, take the base copy and its snapshot. Runs in the instance's worker."""
        self.service.set_status(instance, BACKING_UP)
        state = self.service.region(instance.region)
        settings = instance.settings
        backup = AutomatedBackup(
            region=instance.region,
            account_id=instance.account_id,
            instance=instance,
            instance_identifier=instance.identifier,
            instance_arn=instance.arn,
            instance_resource_id=instance.resource_id,
            instance_created=instance.created,
            settings=settings,
            archive=Archive(self.service.environment, state.directory / "backups" / instance.resource_id),
            retention=settings.backup_retention_period,
            vpc_id=state.groups.vpc(settings.subnet_group_name),
            kms_key_id=settings.kms_key_id,
        )
        backup.archive.prepare()
        with self.service.lock:
            state.backups[backup.arn] = backup
        self._reconfigure(instance)
        backup.archive.take_base(instance.server.port)
        self._keep_snapshot(instance, backup)
        self._advance(instance, backup)
        backup.status = ACTIVE

    def set_retention(self, instance: Instance, retention: int) -> None:
        """Bring the backups in line with a retention period that has changed. Runs in the instance's worker."""
        backup = self.service.own_backup(instance)
        if retention == 0:
            self.disable(instance)
        elif backup is None:
            self.enable(instance)
        else:
            backup.retention = retention
            backup.settings = instance.settings

    def release(self, instance: Instance, *, keep: bool) -> None:
        """The instance is being deleted: its own backups go or are retained, copies elsewhere are retained."""
        own = self.service.own_backup(instance)
        for backup in self.service.backups_of(instance):
            if backup is own and not keep:
                self.remove_automated_snapshots(instance)
                with self.service.lock:
                    del self.service.region(backup.region).backups[backup.arn]
                backup.archive.remove()
            else:
                backup.detach()

    def renamed(self, instance: Instance) -> None:
        for backup in self.service.backups_of(instance):
            backup.instance_identifier = instance.identifier
            backup.instance_arn = instance.arn

    def disable(self, instance: Instance) -> None:
        """Retention 0: the automated backups and snapshots go at once. Runs in the instance's worker."""
        backup = self.service.own_backup(instance)
        if backup is None:
            return
        state = self.service.region(instance.region)
        with self.service.lock:
            del state.backups[backup.arn]
            for copy in self.service.backups_of(instance):
                copy.detach()
        self._reconfigure(instance)
        self.remove_automated_snapshots(instance)
        backup.archive.remove()

    def remove_automated_snapshots(self, instance: Instance) -> None:
        """The files belong to the base copies."""
        state = self.service.region(instance.region)
        with self.service.lock:
            for item in list(state.snapshots.values()):
                if item.snapshot_type == AUTOMATED and item.instance_resource_id == instance.resource_id:
                    del state.snapshots[item.identifier]

    def _reconfigure(self, instance: Instance) -> None:
        """A replica has to be restarted for its archiver to work, a primary does not."""
        instance.server.configure(self.service.server_settings(instance))
        if instance.source is not None:
            instance.server.restart()
        else:
            instance.server.reload()

    def _keep_snapshot(self, instance: Instance, backup: AutomatedBackup) -> None:
        """The base copy is the automated snapshot that the API shows."""
        state = self.service.region(instance.region)
        base = backup.archive.bases[-1]
        taken = now()
        item = Snapshot(
            identifier=f"rds:{instance.identifier}-{taken:%Y-%m-%d-%H-%M-%S}",
            region=instance.region,
            account_id=instance.account_id,
            instance_identifier=instance.identifier,
            instance_resource_id=instance.resource_id,
            instance_created=instance.created,
            settings=instance.settings,
            files=base.files,
            snapshot_type=AUTOMATED,
            vpc_id=backup.vpc_id,
            status=AVAILABLE,
            percent_progress=100,
            created=taken,
        )
        with self.service.lock:
            state.snapshots[item.identifier] = item

    # -- the clock ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.wait(_TICK):
            try:
                self._look_around()
            except Exception:  # the next second may be better; without this thread nothing is backed up any more
                log.exception("looking after the automated backups failed")

    def _look_around(self) -> None:
        for region in self.service.regions():
            for server in list(region.servers.values()):
                server.discard_log()
            for backup in list(region.backups.values()):
                if not backup.replicated and backup.instance is not None:
                    self._tick(backup.instance, backup)
        self.replication.tick()

    def _tick(self, instance: Instance, backup: AutomatedBackup) -> None:
        """Each instance in a thread of its own: one server that hangs must not end the others' backups."""
        if instance.status != AVAILABLE or instance.resource_id in self._busy:
            return
        age = time.monotonic() - self._advanced.get(instance.resource_id, 0.0)
        if age > _IDLE or (age > _BUSY and instance.server.log_written() > backup.archive.seen_until):
            self._busy.add(instance.resource_id)
            self.service.workers.submit(f"log of {instance.resource_id}", lambda: self._try_advance(instance, backup))

    def _try_advance(self, instance: Instance, backup: AutomatedBackup) -> None:
        try:
            self._advance(instance, backup)
        except (psycopg.Error, SandboxError, OSError) as problem:
            self._advanced[instance.resource_id] = time.monotonic()  # again after the usual pause
            if instance.status == AVAILABLE and not self._closing.is_set():
                log.warning("the log of %s was not backed up: %s", instance.arn, problem)
        finally:
            self._busy.discard(instance.resource_id)

    def _advance(self, instance: Instance, backup: AutomatedBackup) -> None:
        if instance.source is None:
            backup.archive.advance(instance.server)
        else:
            backup.archive.follow(instance.server)
        self._advanced[instance.resource_id] = time.monotonic()
