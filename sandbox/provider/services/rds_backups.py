"""RDS snapshots, their copies, and automated backups that are replicated into this region."""

from __future__ import annotations

from typing import Any, ClassVar

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, ResourceError, retag, tag_list, tag_map
from sandbox.provider.core.values import Properties
from sandbox.provider.services.rds_lookup import find
from sandbox.provider.services.refusals import arn, unsupported


class InstanceAutomatedBackupsReplication(Resource):
    """A replica of another region's automated backups, by its ARN in this region. Nothing of it changes in place."""

    token = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"  # noqa: S105
    service = "rds"
    defaults: ClassVar = {"retentionPeriod": 7}
    write_only = frozenset({"preSignedUrl"})
    updatable = False
    timeouts: ClassVar = {"create": 4500.0, "delete": 4500.0}

    _live: dict[str, Any] | None = None

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        return arn(inputs, "kmsKeyId") + arn(inputs, "sourceDbInstanceArn")

    def create(self, inputs: Properties) -> str:
        request = {
            "SourceDBInstanceArn": inputs["sourceDbInstanceArn"],
            "BackupRetentionPeriod": inputs["retentionPeriod"],
        }
        for theirs, ours in (("KmsKeyId", "kmsKeyId"), ("PreSignedUrl", "preSignedUrl")):
            if inputs.get(ours):
                request[theirs] = inputs[ours]
        made = self.client.start_db_instance_automated_backups_replication(**request)["DBInstanceAutomatedBackup"]
        backup = str(made["DBInstanceAutomatedBackupsArn"])
        self.call.made(backup)

        def look() -> tuple[bool, str]:
            self._live = self._find(backup)
            status = str(self._live["Status"]) if self._live else "gone"
            if status not in {"pending", "replicating"}:
                raise ResourceError(f"unexpected state '{status}' of {backup}, wanted 'replicating'")
            return status == "replicating", status

        self.call.wait(f"the replication of backups {backup}", look)
        return backup

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        live = self._live or self._find(resource_id)
        if live is None or live["Status"] == "retained":  # its replication has ended
            return None
        return {
            "id": resource_id,
            "sourceDbInstanceArn": live["DBInstanceArn"],
            "retentionPeriod": live["BackupRetentionPeriod"],
            "kmsKeyId": live.get("KmsKeyId", ""),
        }

    def delete(self, resource_id: str, state: Properties) -> None:
        source = str(state["sourceDbInstanceArn"])
        try:
            self.client.stop_db_instance_automated_backups_replication(SourceDBInstanceArn=source)
        except ClientError as error:
            ended = code_of(error) == "InvalidDBInstanceState" and "not replicating to the current region" in str(error)
            if code_of(error) == "DBInstanceNotFound" or ended:
                return
            raise
        parts = source.split(":")
        origin = self.call.aws.client("rds", parts[3])

        def look() -> tuple[bool, str]:
            live = find(origin, parts[-1]) or {}
            listed = live.get("DBInstanceAutomatedBackupsReplications") or []
            still = any(item["DBInstanceAutomatedBackupsArn"] == resource_id for item in listed)
            return not still, "the source still names it"

        self.call.wait(f"the source of {resource_id} to let it go", look)

    def _find(self, backup: str) -> dict[str, Any] | None:
        try:
            answer = self.client.describe_db_instance_automated_backups(DBInstanceAutomatedBackupsArn=backup)
        except ClientError as error:
            if code_of(error) in {"DBInstanceAutomatedBackupNotFound", "DBInstanceAutomatedBackupNotFoundFault"}:
                return None
            raise
        found = answer["DBInstanceAutomatedBackups"]
        return found[0] if found else None


class _AnySnapshot(Resource):
    """What a manual snapshot and a copy have in common: the id is the snapshot's identifier."""

    service = "rds"
    also_computed = frozenset({"tagsAll"})
    timeouts: ClassVar = {"create": 1200.0}

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        return unsupported(inputs, ("sharedAccounts",), "the sandbox has one account")

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        del resource_id, changed  # only tags change in place
        retag(
            old,
            new,
            lambda removed: self.client.remove_tags_from_resource(ResourceName=old["dbSnapshotArn"], TagKeys=removed),
            lambda added: self.client.add_tags_to_resource(ResourceName=old["dbSnapshotArn"], Tags=tag_list(added)),
        )

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        try:
            self.client.delete_db_snapshot(DBSnapshotIdentifier=resource_id)
        except ClientError as error:
            if code_of(error) not in {"DBSnapshotNotFound", "DBSnapshotNotFoundFault"}:
                raise

    def await_available(self, identifier: str) -> None:
        """Until the snapshot can be used."""

        def look() -> tuple[bool, str]:
            live = self.find(identifier)
            status = str(live["Status"]) if live else "gone"
            if status not in {"creating", "copying", "available"}:
                raise ResourceError(f"unexpected state '{status}' of snapshot {identifier}, wanted 'available'")
            return status == "available", status

        self.call.wait(f"snapshot {identifier} to be available", look)

    def find(self, identifier: str) -> dict[str, Any] | None:
        try:
            found = self.client.describe_db_snapshots(DBSnapshotIdentifier=identifier)["DBSnapshots"]
        except ClientError as error:
            if code_of(error) in {"DBSnapshotNotFound", "DBSnapshotNotFoundFault"}:
                return None
            raise
        return found[0] if found else None

    @staticmethod
    def described(live: dict[str, Any]) -> Properties:
        """What both kinds show."""
        tags = tag_map(live.get("TagList"))
        return {
            "id": live["DBSnapshotIdentifier"],
            "allocatedStorage": live.get("AllocatedStorage", 0),
            "availabilityZone": live.get("AvailabilityZone", ""),
            "dbSnapshotArn": live["DBSnapshotArn"],
            "encrypted": live.get("Encrypted", False),
            "engine": live["Engine"],
            "engineVersion": live.get("EngineVersion", ""),
            "iops": live.get("Iops", 0),
            "kmsKeyId": live.get("KmsKeyId", ""),
            "licenseModel": live.get("LicenseModel", ""),
            "optionGroupName": live.get("OptionGroupName", ""),
            "port": live.get("Port", 0),
            "snapshotType": live.get("SnapshotType", ""),
            "sourceDbSnapshotIdentifier": live.get("SourceDBSnapshotIdentifier", ""),
            "sourceRegion": live.get("SourceRegion", ""),
            "storageType": live.get("StorageType", ""),
            "vpcId": live.get("VpcId", ""),
            "tags": tags,
            "tagsAll": tags,
        }


class Snapshot(_AnySnapshot):
    """A manual snapshot. Deleting the resource deletes the snapshot."""

    token = "aws:rds/snapshot:Snapshot"  # noqa: S105

    def create(self, inputs: Properties) -> str:
        identifier = str(inputs["dbSnapshotIdentifier"])
        self.client.create_db_snapshot(
            DBInstanceIdentifier=inputs["dbInstanceIdentifier"],
            DBSnapshotIdentifier=identifier,
            Tags=tag_list(inputs.get("tags")),
        )
        self.call.made(identifier)
        self.await_available(identifier)
        return identifier

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        live = self.find(resource_id)
        if live is None:
            return None
        return {
            **self.described(live),
            "dbInstanceIdentifier": live["DBInstanceIdentifier"],
            "dbSnapshotIdentifier": live["DBSnapshotIdentifier"],
            "status": live["Status"],
        }


class SnapshotCopy(_AnySnapshot):
    """A copy of a snapshot into the resource's own region; another region's source is named by its ARN."""

    token = "aws:rds/snapshotCopy:SnapshotCopy"  # noqa: S105
    also_computed = frozenset({"optionGroupName", "tagsAll"})
    write_only = frozenset({"copyTags", "destinationRegion", "presignedUrl", "sourceDbSnapshotIdentifier"})

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        return super().check(inputs) + unsupported(inputs, ("targetCustomAvailabilityZone",))

    def create(self, inputs: Properties) -> str:
        identifier = str(inputs["targetDbSnapshotIdentifier"])
        source = str(inputs["sourceDbSnapshotIdentifier"])
        request: dict[str, Any] = {
            "SourceDBSnapshotIdentifier": source,
            "TargetDBSnapshotIdentifier": identifier,
            "Tags": tag_list(inputs.get("tags")),
        }
        names = {"copyTags": "CopyTags", "kmsKeyId": "KmsKeyId", "optionGroupName": "OptionGroupName"}
        request |= {theirs: inputs[ours] for ours, theirs in names.items() if inputs.get(ours)}
        if inputs.get("presignedUrl"):
            request["PreSignedUrl"] = inputs["presignedUrl"]
        elif inputs.get("destinationRegion") and source.startswith("arn:"):
            request["SourceRegion"] = source.split(":")[3]  # boto3 then signs the URL
        self.client.copy_db_snapshot(**request)
        self.call.made(identifier)
        self.await_available(identifier)
        return identifier

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        live = self.find(resource_id)
        if live is None:
            return None
        found = {**self.described(live), "targetDbSnapshotIdentifier": live["DBSnapshotIdentifier"]}
        if not found["sourceDbSnapshotIdentifier"]:
            del found["sourceDbSnapshotIdentifier"]  # RDS names the source only of some copies
        return found
