"""What every way of making an instance has in common: its settings, its entry, its first start."""

from __future__ import annotations

from sandbox.cloud.rds import rules
from sandbox.cloud.rds.backups import Backups
from sandbox.cloud.rds.encryption import key_arn
from sandbox.cloud.rds.errors import error
from sandbox.cloud.rds.model import AVAILABLE, FAILED, Instance, InstanceSettings, new_resource_id
from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.requested import DEFAULT_STORAGE_TYPE, network, observation, windows
from sandbox.cloud.rds.service import RdsService
from sandbox.postgres.server import StartError

INCOMPATIBLE_PARAMETERS = "incompatible-parameters"
INCOMPATIBLE_RESTORE = "incompatible-restore"


class Creation:
    def __init__(self, service: RdsService, backups: Backups) -> None:
        self.service = service
        self.backups = backups

    @property
    def running_version(self) -> str:
        return self.service.environment.installation.version

    def settings(self, region: str, request: Request, **given: object) -> InstanceSettings:
        groups = self.service.region(region).groups
        placed = network(request, groups)
        identifier = request.required("DBInstanceIdentifier")
        window = windows(request, region, identifier)
        watched = observation(request, self.service.context.account_id, region)
        chosen: dict[str, object] = {
            "subnet_group_name": placed.subnet_group_name,
            "security_group_ids": placed.security_group_ids,
            "availability_zone": placed.availability_zone,
            "secondary_availability_zone": placed.secondary_availability_zone,
            "multi_az": placed.multi_az,
            "backup_window": window.backup,
            "maintenance_window": window.maintenance,
            "monitoring_interval": watched.monitoring_interval,
            "monitoring_role_arn": watched.monitoring_role_arn,
            "performance_insights_enabled": watched.performance_insights_enabled,
            "performance_insights_kms_key_id": watched.performance_insights_kms_key_id,
            "performance_insights_retention_period": watched.performance_insights_retention_period,
            "log_exports": watched.log_exports,
            "parameter_group_name": groups.parameter_group(request.text("DBParameterGroupName"))
            if "parameter_group_name" not in given
            else None,
            "option_group_name": groups.option_group(request.text("OptionGroupName")),
            "storage_type": request.text("StorageType") or DEFAULT_STORAGE_TYPE,
            "iops": request.integer("Iops"),
            "storage_throughput": request.integer("StorageThroughput"),
            "max_allocated_storage": request.integer("MaxAllocatedStorage"),
            "auto_minor_version_upgrade": request.flag("AutoMinorVersionUpgrade") is not False,
            "publicly_accessible": bool(request.flag("PubliclyAccessible")),
            "copy_tags_to_snapshot": bool(request.flag("CopyTagsToSnapshot")),
            "deletion_protection": bool(request.flag("DeletionProtection")),
            "iam_authentication": bool(request.flag("EnableIAMDatabaseAuthentication")),
            "ca_certificate_identifier": request.text("CACertificateIdentifier") or "rds-ca-rsa2048-g1",
            "engine_lifecycle_support": request.text("EngineLifecycleSupport") or "open-source-rds-extended-support",
        }
        return InstanceSettings(**{**chosen, **given})  # type: ignore[arg-type]

    def key(self, region: str, name: str | None) -> str:
        return key_arn(self.service.context.account_id, region, name)

    def enter(
        self, region: str, request: Request, settings: InstanceSettings, source: Instance | None = None
    ) -> Instance:
        """Enter a new instance under its identifier; the caller submits the work."""
        identifier = rules.check_identifier("DBInstanceIdentifier", request.required("DBInstanceIdentifier"))
        state = self.service.region(region)
        with self.service.lock:
            if identifier in state.instances:
                raise error("DBInstanceAlreadyExists", "DB instance already exists")
            values = state.groups.parameter_values(settings.parameter_group_name)
            resource = new_resource_id("db")
            instance = Instance(
                identifier,
                region,
                state.account_id,
                settings,
                self.service.new_server(region, resource, identifier),
                resource_id=resource,
                applied_parameters=values,
                source=source,
                initial_tags=request.tags(),
            )
            state.instances[identifier] = instance
        return instance

    def start(self, instance: Instance, recovery_target: str | None = None) -> None:
        """Configure and start; a running server takes what it can without a restart."""
        instance.server.configure(self.service.server_settings(instance, recovery_target))
        if instance.server.is_running:
            instance.server.reload()
        else:
            instance.server.start()

    def ready(self, instance: Instance) -> None:
        """The first backup is part of the creation, and the endpoint is known from here on."""
        with self.service.lock:
            instance.has_endpoint = True
        if instance.settings.backup_retention_period > 0:
            self.backups.enable(instance)
        self.service.set_status(instance, AVAILABLE)


def failed_restore_status(problem: Exception) -> str:
    """A server that cannot make a usable database out of what it was given is incompatible-restore to RDS."""
    return INCOMPATIBLE_RESTORE if isinstance(problem, StartError) else FAILED


def failed_status(problem: Exception) -> str:
    """A server that refuses its configuration is incompatible-parameters to RDS, all else is failed."""
    return INCOMPATIBLE_PARAMETERS if isinstance(problem, StartError) else FAILED
