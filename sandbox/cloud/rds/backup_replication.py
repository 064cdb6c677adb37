"""Automated backups in another region: base copies and log, fetched through the link, usable without the source.

What the destination has counts only once it is whole: the log is fetched up to a time that the source could restore
when the fetching began, and that time is what the copy can restore afterwards.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox.cloud.rds import rules
from sandbox.cloud.rds.automated import ACTIVE, REPLICATING, RETAINED, AutomatedBackup
from sandbox.cloud.rds.encryption import key_arn
from sandbox.cloud.rds.errors import (
    backup_not_found,
    error,
    invalid_combination,
    invalid_instance_state,
    invalid_value,
)
from sandbox.cloud.rds.model import Instance
from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.service import RdsService
from sandbox.errors import SandboxError
from sandbox.postgres import transfer
from sandbox.postgres.archive import Archive

log = logging.getLogger(__name__)

_DEFAULT_RETENTION = 7
"""Days (StartDBInstanceAutomatedBackupsReplication, as the genuine provider sends it)."""
_RETRY = 3.0
"""Seconds until a broken transfer is tried again."""
_DESCRIBE = frozenset({
    "DbiResourceId", "DBInstanceIdentifier", "DBInstanceAutomatedBackupsArn", "Filters", "MaxRecords", "Marker",
})  # fmt: skip


class BackupReplication:
    def __init__(self, service: RdsService) -> None:
        self.service = service
        self._not_before: dict[str, float] = {}

    # -- calls ----------------------------------------------------------------------------------------------------

    def start(self, region: str, request: Request) -> AutomatedBackup:
        """StartDBInstanceAutomatedBackupsReplication, called in the destination."""
        request.accept(
            {"SourceDBInstanceArn", "BackupRetentionPeriod", "KmsKeyId", "PreSignedUrl", "SourceRegion", "Tags"}
        )
        source = self.service.instance(region, _arn(request))
        self._check_start(region, source)
        retention = request.integer("BackupRetentionPeriod")
        backup = AutomatedBackup(
            region=region,
            account_id=source.account_id,
            instance=source,
            instance_identifier=source.identifier,
            instance_arn=source.arn,
            instance_resource_id=source.resource_id,
            instance_created=source.created,
            settings=source.settings,
            archive=Archive(
                self.service.environment,
                self.service.region(region).directory / "replicated" / f"{source.resource_id}-{secrets.token_hex(4)}",
            ),
            retention=rules.check_retention(_DEFAULT_RETENTION if retention is None else retention),
            status="pending",
            replicated=True,
            kms_key_id=self._key(region, request, source),
            initial_tags=request.tags(),
        )
        backup.archive.prepare()
        with self.service.lock:
            self.service.region(region).backups[backup.arn] = backup
        return backup

    def stop(self, region: str, request: Request) -> AutomatedBackup:
        """StopDBInstanceAutomatedBackupsReplication: what has arrived is retained. Needs nothing of the source."""
        request.accept({"SourceDBInstanceArn"})
        source = _arn(request)
        with self.service.lock:
            for backup in self.service.region(region).backups.values():
                if backup.replicated and backup.status != RETAINED and source == backup.instance_arn:
                    backup.detach()
                    return backup
        self.service.instance(region, source)
        raise invalid_instance_state(f"The instance {source} is not replicating to the current region {region}.")

    def describe(self, region: str, request: Request) -> list[AutomatedBackup]:
        """DescribeDBInstanceAutomatedBackups."""
        request.accept(_DESCRIBE)
        found = list(self.service.region(region).backups.values())
        arn, resource = request.text("DBInstanceAutomatedBackupsArn"), request.text("DbiResourceId")
        identifier = request.text("DBInstanceIdentifier")
        if arn is not None:
            found = [item for item in found if item.arn == arn]
        if resource is not None:
            found = [item for item in found if item.instance_resource_id.lower() == resource.lower()]
        if identifier is not None:
            found = [item for item in found if item.instance_identifier == identifier.lower()]
        named = arn or resource or identifier
        if named is not None and not found:
            raise backup_not_found(named)
        for name, values in request.filters().items():
            if name == "status":
                found = [item for item in found if item.status in values]
            elif name == "db-instance-id":
                found = [item for item in found if {item.instance_identifier, item.instance_arn} & set(values)]
            elif name == "dbi-resource-id":
                found = [item for item in found if item.instance_resource_id in values]
            else:
                raise invalid_value(f"Unrecognized filter name: {name}")
        return found

    def delete(self, region: str, request: Request) -> AutomatedBackup:
        """DeleteDBInstanceAutomatedBackup: of an instance that is gone, or of a replication that has ended."""
        request.accept({"DbiResourceId", "DBInstanceAutomatedBackupsArn"})
        named = request.text("DBInstanceAutomatedBackupsArn") or request.required("DbiResourceId")
        state = self.service.region(region)
        with self.service.lock:
            found = next(
                (item for item in state.backups.values() if named in (item.arn, item.instance_resource_id)), None
            )
            if found is None:
                raise backup_not_found(named)
            if found.status != RETAINED:
                raise error(
                    "InvalidDBInstanceAutomatedBackupState",
                    f"The automated backups {found.arn} are {found.status}; only retained ones can be deleted.",
                )
            del state.backups[found.arn]
        self.service.workers.submit(found.arn, found.archive.remove)
        return found

    # -- work -----------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Fetch what is new for every replicated backup; called by the clock."""
        for region in self.service.regions():
            for backup in list(region.backups.values()):
                if backup.replicated and self._is_behind(backup):
                    self._not_before[backup.arn] = time.monotonic() + _RETRY
                    self.service.workers.submit(backup.arn, lambda item=backup: self._fetch(item))  # type: ignore[misc]

    def _is_behind(self, backup: AutomatedBackup) -> bool:
        own = self.service.own_backup(backup.instance) if backup.instance is not None else None
        if own is None or own.status != ACTIVE or self._not_before.get(backup.arn, 0.0) > time.monotonic():
            return False
        return backup.archive.latest != own.archive.latest

    def _fetch(self, backup: AutomatedBackup) -> None:
        instance = backup.instance
        own = self.service.own_backup(instance) if instance is not None else None
        if instance is None or own is None:
            return
        latest = own.archive.latest
        try:
            for base in own.archive.bases[len(backup.archive.bases) :]:
                target = backup.archive.directory / "base" / base.files.name
                self._transfer(instance.region, backup.region, base.files, target)
                backup.archive.adopt(target, base.consistent_at)
            self._fetch_log(instance.region, own.archive, backup)
        except SandboxError as broken:
            log.warning("the automated backups of %s do not reach %s: %s", instance.arn, backup.region, broken)
            return
        with self.service.lock:
            if latest is not None:
                backup.archive.mark(latest)
            if backup.status == "pending":
                backup.status = REPLICATING
        self._not_before.pop(backup.arn, None)

    def _fetch_log(self, source_region: str, source: Archive, backup: AutomatedBackup) -> None:
        have = {path.name for path in backup.archive.log.iterdir()}
        missing = sorted(path.name for path in source.log.glob("*.gz") if path.name not in have)
        if not missing:
            return
        landing = backup.archive.directory / "landing"
        try:
            self._transfer(source_region, backup.region, source.log, landing, missing)
            for path in landing.iterdir():
                path.replace(backup.archive.log / path.name)
        finally:
            shutil.rmtree(landing, ignore_errors=True)

    def _transfer(
        self, source: str, destination: str, directory: Path, target: Path, names: Sequence[str] = (".",)
    ) -> None:
        storage = self.service.region(source).storage
        port = self.service.link(source, destination).port(storage.port)
        transfer.fetch(port, storage.offer(directory, names), target, storage.account)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _check_start(self, region: str, source: Instance) -> None:
        if source.region == region:
            raise invalid_combination(f"{source.arn} is in {region}: backups are replicated to another region.")
        self.service.require_available(source)
        if source.settings.backup_retention_period == 0:
            raise invalid_instance_state(f"Automated backups are not enabled for {source.arn}.")
        for backup in self.service.backups_of(source):
            if backup.replicated and backup.status != RETAINED:
                raise error(
                    "InvalidDBInstanceAutomatedBackupState",
                    f"The automated backups of {source.arn} are replicated to {backup.region} already ({backup.arn}).",
                )

    def _key(self, region: str, request: Request, source: Instance) -> str | None:
        wanted = request.text("KmsKeyId")
        if wanted is not None:
            return key_arn(source.account_id, region, wanted)
        if source.settings.storage_encrypted:
            raise invalid_combination(
                f"KmsKeyId, a key in {region}, must be given: the source {source.arn} is encrypted."
            )
        return None


def _arn(request: Request) -> str:
    arn = request.required("SourceDBInstanceArn")
    if not arn.startswith("arn:"):
        raise invalid_value(f"SourceDBInstanceArn must be the ARN of a DB instance: {arn} is not.")
    return arn
