"""ModifyDBInstance: what is done at once, what waits, and what the server has to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.cloud.rds import rules
from sandbox.cloud.rds.backups import Backups
from sandbox.cloud.rds.changes import MODIFYING
from sandbox.cloud.rds.encryption import key_arn
from sandbox.cloud.rds.errors import error, invalid_combination
from sandbox.cloud.rds.model import AVAILABLE, Instance, InstanceSettings
from sandbox.cloud.rds.parameters import PENDING_REBOOT
from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.roles import set_master_password
from sandbox.cloud.rds.service import RdsService

_ACCEPTED = frozenset({
    "AllocatedStorage", "AllowMajorVersionUpgrade", "ApplyImmediately", "AutoMinorVersionUpgrade",
    "BackupRetentionPeriod", "CACertificateIdentifier", "CertificateRotationRestart",
    "CloudwatchLogsExportConfiguration", "CopyTagsToSnapshot", "DBInstanceClass", "DBInstanceIdentifier",
    "DBParameterGroupName", "DBSubnetGroupName", "DatabaseInsightsMode", "DeletionProtection",
    "EnableIAMDatabaseAuthentication", "EnablePerformanceInsights", "EngineVersion", "Iops", "LicenseModel",
    "MasterUserPassword", "MaxAllocatedStorage", "MonitoringInterval", "MonitoringRoleArn", "MultiAZ", "NetworkType",
    "NewDBInstanceIdentifier", "OptionGroupName", "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod",
    "PreferredBackupWindow", "PreferredMaintenanceWindow", "PubliclyAccessible", "StorageThroughput", "StorageType",
    "VpcSecurityGroupIds",
})  # fmt: skip
_GROWTH = 1.1


@dataclass
class Plan:
    """Fields of the settings to change, and ``identifier``."""

    now: dict[str, object] = field(default_factory=dict)
    later: dict[str, object] = field(default_factory=dict)
    """Waits for the maintenance window unless ApplyImmediately is given (user guide, "Modifying a DB instance")."""


class Modification:
    """The maintenance window itself is not simulated: what waits does so until ApplyImmediately."""

    def __init__(self, service: RdsService, backups: Backups) -> None:
        self.service = service
        self.backups = backups

    def modify(self, region: str, request: Request) -> Instance:
        request.accept(_ACCEPTED)
        instance = self.service.instance(region, request.required("DBInstanceIdentifier"))
        password = request.text("MasterUserPassword")
        if password is not None:
            rules.check_master_password(password)
            if instance.source is not None:
                raise invalid_combination("Cannot change the master user password of a read replica.")
        with self.service.lock:
            if instance.status != "incompatible-parameters":
                self.service.require_available(instance)
            plan = self._plan(instance, request)
            if request.flag("ApplyImmediately"):
                plan.now |= {**instance.pending, **plan.later}
                plan.later = {}
                if isinstance(waited := plan.now.get("identifier"), str):
                    self._new_identifier(instance, waited)
                instance.pending = {}
            instance.pending |= plan.later
            self._record(instance, plan.now)
            on_server = {"identifier", "backup_retention_period"} & plan.now.keys()
            instance.password_pending = password is not None
            if on_server:
                self.service.set_status(instance, MODIFYING)
            elif password is not None:
                self.service.set_status(instance, "resetting-master-credentials")
        if on_server or password is not None:
            self.service.submit(instance, lambda: self._apply(instance, plan.now, password))
        return instance

    def _apply(self, instance: Instance, changes: Mapping[str, object], password: str | None) -> None:
        if password is not None:
            set_master_password(instance.server, instance.settings.master_username, password)
            instance.password_pending = False
        if "backup_retention_period" in changes:
            self.backups.set_retention(instance, instance.settings.backup_retention_period)
        identifier = changes.get("identifier")
        if isinstance(identifier, str):
            self._rename(instance, identifier)
        self.service.set_status(instance, AVAILABLE)

    def _rename(self, instance: Instance, identifier: str) -> None:
        """The resource id, the server and its data stay; the instance reboots (API reference)."""
        self.service.set_status(instance, "renaming")
        state = self.service.region(instance.region)
        instance.server.restart()
        with self.service.lock:
            state.instances.pop(instance.identifier, None)
            instance.identifier = identifier
            state.instances[identifier] = instance
        self.backups.renamed(instance)

    def _record(self, instance: Instance, changes: Mapping[str, object]) -> None:
        """Put what is decided into the settings, and say what the server does not know yet."""
        fields = {name: value for name, value in changes.items() if name != "identifier"}
        group = fields.get("parameter_group_name")
        if group is not None and group != instance.settings.parameter_group_name:
            instance.parameter_status = PENDING_REBOOT
        if fields:
            self.service.change_settings(instance, **fields)

    def _plan(self, instance: Instance, request: Request) -> Plan:
        settings = instance.settings
        plan = Plan()
        plan.now |= self._immediate(instance, request)
        plan.later |= self._deferred(instance, request)
        retention = request.integer("BackupRetentionPeriod")
        if retention is not None and retention != settings.backup_retention_period:
            rules.check_retention(retention)
            if retention == 0 and self.service.replicas_of(instance):
                raise invalid_combination(
                    f"BackupRetentionPeriod cannot be 0: {instance.identifier} is the source of read replicas."
                )
            at_once = retention > 0 and settings.backup_retention_period > 0
            (plan.now if at_once else plan.later)["backup_retention_period"] = retention
        identifier = request.text("NewDBInstanceIdentifier")
        if identifier is not None and identifier.lower() != instance.identifier:
            plan.later["identifier"] = self._new_identifier(instance, identifier)
        return plan

    def _immediate(self, instance: Instance, request: Request) -> dict[str, object]:
        settings = instance.settings
        groups = self.service.region(instance.region).groups
        changes: dict[str, object] = {}
        for member, name in (
            ("DeletionProtection", "deletion_protection"),
            ("CopyTagsToSnapshot", "copy_tags_to_snapshot"),
            ("AutoMinorVersionUpgrade", "auto_minor_version_upgrade"),
            ("PubliclyAccessible", "publicly_accessible"),
        ):
            flag = request.flag(member)
            if flag is not None:
                changes[name] = flag
        backup = request.text("PreferredBackupWindow") or settings.backup_window
        maintenance = (request.text("PreferredMaintenanceWindow") or settings.maintenance_window).lower()
        rules.check_windows(backup, maintenance)
        changes |= {"backup_window": backup, "maintenance_window": maintenance}
        if request.has("MaxAllocatedStorage"):
            maximum = request.integer("MaxAllocatedStorage")
            changes["max_allocated_storage"] = None if maximum == settings.allocated_storage else maximum
        if request.has("VpcSecurityGroupIds"):
            changes["security_group_ids"] = groups.security_groups(
                request.names("VpcSecurityGroupIds"), settings.subnet_group_name
            )
        if request.has("DBParameterGroupName"):
            changes["parameter_group_name"] = groups.parameter_group(request.text("DBParameterGroupName"))
        if request.has("OptionGroupName"):
            changes["option_group_name"] = groups.option_group(request.text("OptionGroupName"))
        return changes | self._observation(instance, request)

    def _observation(self, instance: Instance, request: Request) -> dict[str, object]:
        settings = instance.settings
        changes: dict[str, object] = {}
        if request.has("MonitoringInterval") or request.has("MonitoringRoleArn"):
            given = request.integer("MonitoringInterval")
            interval = settings.monitoring_interval if given is None else given
            role = (request.text("MonitoringRoleArn") or settings.monitoring_role_arn) if interval else None
            rules.check_monitoring(interval, role)
            changes |= {"monitoring_interval": interval, "monitoring_role_arn": role}
        insights = request.flag("EnablePerformanceInsights")
        if insights is True:
            key = request.text("PerformanceInsightsKMSKeyId") or settings.performance_insights_kms_key_id
            changes |= {
                "performance_insights_enabled": True,
                "performance_insights_kms_key_id": key_arn(instance.account_id, instance.region, key),
                "performance_insights_retention_period": request.integer("PerformanceInsightsRetentionPeriod")
                or settings.performance_insights_retention_period
                or 7,
            }
        elif insights is False:
            changes |= {
                "performance_insights_enabled": False,
                "performance_insights_kms_key_id": None,
                "performance_insights_retention_period": None,
            }
        exports = request.nested("CloudwatchLogsExportConfiguration")
        if exports is not None:
            removed = set(exports.names("DisableLogTypes") or ())
            kept = [name for name in settings.log_exports if name not in removed]
            changes["log_exports"] = rules.check_log_exports((*kept, *(exports.names("EnableLogTypes") or ())))
        return changes

    def _deferred(self, instance: Instance, request: Request) -> dict[str, object]:
        settings = instance.settings
        groups = self.service.region(instance.region).groups
        wanted: dict[str, object] = {}
        running = self.service.environment.installation.version
        readers: dict[str, tuple[str, Callable[[], object]]] = {
            "DBInstanceClass": ("instance_class", lambda: rules.check_class(request.text("DBInstanceClass"))),
            "EngineVersion": ("engine_version", lambda: rules.check_version(request.text("EngineVersion"), running)),
            "AllocatedStorage": ("allocated_storage", lambda: _storage(settings, request.integer("AllocatedStorage"))),
            "Iops": ("iops", lambda: request.integer("Iops")),
            "StorageThroughput": ("storage_throughput", lambda: request.integer("StorageThroughput")),
            "StorageType": ("storage_type", lambda: request.text("StorageType")),
            "CACertificateIdentifier": ("ca_certificate_identifier", lambda: request.text("CACertificateIdentifier")),
            "EnableIAMDatabaseAuthentication": (
                "iam_authentication",
                lambda: bool(request.flag("EnableIAMDatabaseAuthentication")),
            ),
            "DBSubnetGroupName": ("subnet_group_name", lambda: groups.subnet_group(request.text("DBSubnetGroupName"))),
        }
        for member, (name, read) in readers.items():
            if request.has(member):
                wanted[name] = read()
        changed = {name: value for name, value in wanted.items() if value != getattr(settings, name)}
        subnet_group = (
            str(wanted["subnet_group_name"]) if wanted.get("subnet_group_name") else settings.subnet_group_name
        )
        multi_az = request.flag("MultiAZ")
        if multi_az is not None and multi_az != settings.multi_az:
            placed = groups.placement(subnet_group, None, multi_az=multi_az)
            zones = {placed.zone, placed.secondary_zone} - {settings.availability_zone, None}
            changed |= {
                "multi_az": multi_az,
                "secondary_availability_zone": min(str(zone) for zone in zones) if multi_az else None,
            }
        return changed

    def _new_identifier(self, instance: Instance, identifier: str) -> str:
        checked = rules.check_identifier("NewDBInstanceIdentifier", identifier)
        if checked in self.service.region(instance.region).instances:
            raise error("DBInstanceAlreadyExists", "DB instance already exists")
        return checked


def _storage(settings: InstanceSettings, gibibytes: int | None) -> int:
    """Storage only grows, and by a tenth at least (API reference, ModifyDBInstance)."""
    checked = rules.check_storage(gibibytes)
    if checked < settings.allocated_storage:
        raise invalid_combination(
            f"Invalid storage size: the requested {checked} GiB are below the {settings.allocated_storage} GiB in use."
        )
    if checked == settings.allocated_storage:
        return checked
    return max(checked, -int(-settings.allocated_storage * _GROWTH // 1))
