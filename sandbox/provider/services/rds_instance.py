"""RDS database instances: made four ways, promoted in place, renamed, modified, deleted by what the state says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, ResourceError, retag, tag_list
from sandbox.provider.core.values import Properties
from sandbox.provider.services import rds_requests as requests
from sandbox.provider.services.rds_lookup import find, is_ready
from sandbox.provider.services.rds_view import properties
from sandbox.provider.services.refusals import arn, only, texts, unsupported

_AT_DELETE: Final = frozenset({"deleteAutomatedBackups", "finalSnapshotIdentifier", "skipFinalSnapshot"})
_NOT_MODIFIED: Final = _AT_DELETE | {"allowMajorVersionUpgrade", "replicateSourceDb", "tags"}
"""Inputs whose change alone is no ModifyDBInstance."""
_NOT_POSTGRES: Final = (
    "blueGreenUpdate",
    "characterSetName",
    "customIamInstanceProfile",
    "customerOwnedIpEnabled",
    "dedicatedLogVolume",
    "domain",
    "domainAuthSecretArn",
    "domainDnsIps",
    "domainFqdn",
    "domainIamRoleName",
    "domainOu",
    "ncharCharacterSetName",
    "replicaMode",
    "s3Import",
    "timezone",
    "upgradeStorageConfig",
    "warningEventCategories",
)
_OTHER_PASSWORDS: Final = ("manageMasterUserPassword", "masterUserSecretKmsKeyId", "passwordWo", "passwordWoVersion")


class Instance(Resource):
    """Its id is RDS's DbiResourceId, which a rename and a promotion leave alone."""

    token = "aws:rds/instance:Instance"  # noqa: S105
    service = "rds"
    defaults: ClassVar = {
        "applyImmediately": False,
        "autoMinorVersionUpgrade": True,
        "copyTagsToSnapshot": False,
        "deleteAutomatedBackups": True,
        "monitoringInterval": 0,
        "performanceInsightsEnabled": False,
        "publiclyAccessible": False,
        "skipFinalSnapshot": False,
    }
    also_computed = frozenset(
        {
            "allocatedStorage",
            "backupTarget",
            "backupWindow",
            "databaseInsightsMode",
            "dbName",
            "engine",
            "engineLifecycleSupport",
            "engineVersion",
            "identifierPrefix",
            "iops",
            "licenseModel",
            "maintenanceWindow",
            "monitoringRoleArn",
            "networkType",
            "performanceInsightsKmsKeyId",
            "performanceInsightsRetentionPeriod",
            "snapshotIdentifier",
            "storageThroughput",
            "storageType",
            "tagsAll",
        }
    )
    secrets = frozenset({"password"})
    unordered = frozenset({"enabledCloudwatchLogsExports", "vpcSecurityGroupIds"})
    owned = frozenset({"restoreToPointInTime"})
    write_only = _AT_DELETE | {
        "allowMajorVersionUpgrade",
        "applyImmediately",
        "identifierPrefix",
        "password",
        "restoreToPointInTime",
        "snapshotIdentifier",
    }
    state_only = _AT_DELETE | {"allowMajorVersionUpgrade"}
    conflicts = (
        frozenset({"identifier", "identifierPrefix"}),
        frozenset({"username", "replicateSourceDb"}),
        frozenset({"dbName", "replicateSourceDb"}),
        frozenset({"restoreToPointInTime", "replicateSourceDb"}),
        frozenset({"restoreToPointInTime", "snapshotIdentifier"}),
    )
    timeouts: ClassVar = {"create": 2400.0, "update": 4800.0, "delete": 3600.0}

    _live: dict[str, Any] | None = None

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        found = unsupported(inputs, _NOT_POSTGRES)
        found += unsupported(inputs, _OTHER_PASSWORDS, "use password")
        found += only(inputs, "engine", ("postgres",)) + only(inputs, "backupTarget", ("region",))
        found += texts(inputs, ("password",))
        found += arn(inputs, "kmsKeyId") + arn(inputs, "performanceInsightsKmsKeyId") + arn(inputs, "monitoringRoleArn")
        final = inputs.get("finalSnapshotIdentifier")
        if isinstance(final, str) and not re.fullmatch(r"[A-Za-z](?!.*--)[0-9A-Za-z-]*(?<!-)", final):
            reason = "must begin with a letter, hold only letters, digits and single hyphens, and not end with a hyphen"
            found.append(("finalSnapshotIdentifier", f'"finalSnapshotIdentifier" ({final}) {reason}'))
        return found

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        if path == "engineVersion":
            return requests.same_version(str(old), str(new))
        if path in {"backupWindow", "maintenanceWindow", "identifier", "engine"}:
            return str(old).lower() == str(new).lower()
        return None

    @classmethod
    def replaces(cls, path: str, old: Properties, new: Properties) -> bool | None:
        if path.startswith("restoreToPointInTime"):
            # the block itself replaces, both ways; another time in it restores nothing
            return bool(old.get("restoreToPointInTime")) != bool(new.get("restoreToPointInTime"))
        return None

    @classmethod
    def unknown_after(cls, changed: frozenset[str]) -> frozenset[str]:
        return frozenset({"address", "arn", "endpoint"}) if "identifier" in changed else frozenset()

    def create(self, inputs: Properties) -> str:
        if inputs.get("replicateSourceDb"):
            request = requests.replica(inputs, self.call.region)
            live = self._make(lambda: self.client.create_db_instance_read_replica(**request))
            follow_up = requests.after_replica(inputs, properties(live, {}))
        elif inputs.get("snapshotIdentifier"):
            request = requests.from_snapshot(inputs)
            live = self._make(lambda: self.client.restore_db_instance_from_db_snapshot(**request))
            follow_up = requests.after_snapshot(inputs)
        elif inputs.get("restoreToPointInTime"):
            request = requests.point_in_time(inputs)
            live = self._make(lambda: self.client.restore_db_instance_to_point_in_time(**request))
            follow_up = requests.after_point_in_time(inputs)
        else:
            for key in ("allocatedStorage", "engine", "username"):
                if not inputs.get(key):
                    raise ResourceError(f'"{key}": required field is not set: a new database needs it')
            request = requests.plain(inputs)
            live = self._make(lambda: self.client.create_db_instance(**request))
            follow_up = {}
        resource_id, identifier = str(live["DbiResourceId"]), str(live["DBInstanceIdentifier"])
        self._wait_ready(resource_id, identifier)
        if follow_up:
            self._modify(resource_id, {"DBInstanceIdentifier": identifier, "ApplyImmediately": True, **follow_up})
        if "DBParameterGroupName" in follow_up:
            self.client.reboot_db_instance(DBInstanceIdentifier=identifier)
            self._wait_ready(resource_id, identifier)
        return resource_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        live = self._live or find(self.client, resource_id)
        if live is None and state.get("identifier"):
            # as the genuine provider does: whatever has the name now is taken for it
            live = find(self.client, str(state["identifier"]))
        if live is None:
            return None
        found = properties(live, state)
        if not state:  # an import
            found |= {"skipFinalSnapshot": True, "deleteAutomatedBackups": True}
        return found

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self._retag(str(old["arn"]), old, new)
        if "replicateSourceDb" in changed:
            self._promote(resource_id, old, new)
        if not changed - _NOT_MODIFIED:
            return
        request = requests.modification(old, new, changed)
        addressed = str(old["identifier"] if "identifier" in changed else new["identifier"])
        immediately = {"ApplyImmediately": bool(new.get("applyImmediately"))}
        self._modify(resource_id, {"DBInstanceIdentifier": addressed, **immediately, **request})

    def delete(self, resource_id: str, state: Properties) -> None:
        skip, final = bool(state.get("skipFinalSnapshot")), str(state.get("finalSnapshotIdentifier") or "")
        if not skip and not final:
            raise ResourceError(
                "finalSnapshotIdentifier is required when skipFinalSnapshot is false: set one of them and run an "
                "update before the deletion, which goes by the state"
            )
        request = {
            "DBInstanceIdentifier": state["identifier"],
            "DeleteAutomatedBackups": bool(state.get("deleteAutomatedBackups", True)),
            "SkipFinalSnapshot": skip,
            **({} if skip else {"FinalDBSnapshotIdentifier": final}),
        }
        try:
            self._delete(request, state)
        except ClientError as error:
            if code_of(error) == "DBInstanceNotFound":
                return
            deleting = code_of(error) == "InvalidDBInstanceState" and "is already being deleted" in str(error)
            if not deleting:
                raise

        def look() -> tuple[bool, str]:
            live = find(self.client, resource_id)
            return live is None, str(live["DBInstanceStatus"]) if live else "gone"

        self.call.wait(f"the deletion of database {state['identifier']}", look)

    def _make(self, act: Callable[[], Any]) -> dict[str, Any]:
        # the role for enhanced monitoring may have been made a moment ago
        answer = self.call.retry_on(("InvalidParameterValue",), act, message="ENHANCED_MONITORING")
        live: dict[str, Any] = answer["DBInstance"]
        self.call.made(str(live["DbiResourceId"]))
        return live

    def _modify(self, resource_id: str, request: dict[str, Any]) -> None:
        self.call.retry_on(
            ("InvalidParameterValue",),
            lambda: self.client.modify_db_instance(**request),
            message="ENHANCED_MONITORING",
        )
        self._wait_ready(resource_id, str(request["DBInstanceIdentifier"]))

    def _promote(self, resource_id: str, old: Properties, new: Properties) -> None:
        if new.get("replicateSourceDb"):
            raise ResourceError(
                f"cannot elect new source database for replication: {old['identifier']} replicates from "
                f"{old.get('replicateSourceDb') or 'nothing'}, the program says {new['replicateSourceDb']}. Make a new "
                "instance as the replica of another source"
            )
        window = new.get("backupWindow") or old.get("backupWindow")
        retention = new.get("backupRetentionPeriod", old.get("backupRetentionPeriod"))
        self.client.promote_read_replica(
            # the new name, though the rename comes after it: as in the genuine provider
            DBInstanceIdentifier=new["identifier"],
            BackupRetentionPeriod=retention or 0,
            **({"PreferredBackupWindow": window} if window else {}),
        )
        self._wait_ready(resource_id, str(new["identifier"]))

    def _delete(self, request: dict[str, Any], state: Properties) -> None:
        try:
            self.client.delete_db_instance(**request)
        except ClientError as error:
            protected = code_of(error) == "InvalidParameterCombination" and "disable deletion pro" in str(error)
            if not protected or state.get("deletionProtection") or not state.get("applyImmediately"):
                raise
            # the protection is not the program's, and it may be changed at once
            self.client.modify_db_instance(
                DBInstanceIdentifier=request["DBInstanceIdentifier"], ApplyImmediately=True, DeletionProtection=False
            )
            self.client.delete_db_instance(**request)

    def _retag(self, resource_arn: str, old: Properties, new: Properties) -> None:
        retag(
            old,
            new,
            lambda removed: self.client.remove_tags_from_resource(ResourceName=resource_arn, TagKeys=removed),
            lambda added: self.client.add_tags_to_resource(ResourceName=resource_arn, Tags=tag_list(added)),
        )

    def _wait_ready(self, resource_id: str, identifier: str) -> None:
        def look() -> tuple[bool, str]:
            self._live = find(self.client, resource_id)
            return is_ready(self._live, identifier)

        self.call.wait(f"database {identifier} to be available", look)
