"""New instances from nothing, and replicas."""

from __future__ import annotations

from sandbox.cloud.rds import rules
from sandbox.cloud.rds.creation import Creation, failed_status
from sandbox.cloud.rds.errors import invalid_combination, invalid_instance_state
from sandbox.cloud.rds.model import Instance
from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.requested import COMMON
from sandbox.cloud.rds.roles import bootstrap
from sandbox.postgres import replica
from sandbox.postgres.server import wait_for

_STREAMING_TIMEOUT = 60.0
_CREATE = COMMON | {"DBName", "MasterUsername", "MasterUserPassword", "StorageEncrypted", "KmsKeyId"}
_REPLICA = COMMON | {"SourceDBInstanceIdentifier", "SourceRegion", "PreSignedUrl", "KmsKeyId", "StorageEncrypted"}


class Provisioning(Creation):
    def create(self, region: str, request: Request) -> Instance:
        """CreateDBInstance."""
        request.accept(_CREATE)
        rules.check_engine(request.required("Engine"))
        version = rules.check_version(request.text("EngineVersion"), self.running_version)
        master = rules.check_master_username(request.required("MasterUsername"))
        password = rules.check_master_password(request.required("MasterUserPassword"))
        encrypted = bool(request.flag("StorageEncrypted"))
        if request.has("KmsKeyId") and not encrypted:
            raise invalid_combination("KmsKeyId can only be specified with StorageEncrypted.")
        retention = request.integer("BackupRetentionPeriod")
        settings = self.settings(
            region,
            request,
            engine_version=version,
            instance_class=rules.check_class(request.text("DBInstanceClass")),
            master_username=master,
            db_name=rules.check_database_name(request.text("DBName")),
            allocated_storage=rules.check_storage(request.integer("AllocatedStorage")),
            storage_encrypted=encrypted,
            kms_key_id=self.key(region, request.text("KmsKeyId")) if encrypted else None,
            # The API's default (CreateDBInstance, BackupRetentionPeriod).
            backup_retention_period=rules.check_retention(1 if retention is None else retention),
        )
        instance = self.enter(region, request, settings)

        def build() -> None:
            instance.server.initialise()
            self.start(instance)
            bootstrap(instance.server, master, password, settings.db_name)
            self.ready(instance)

        self.service.submit(instance, build, failed_status)
        return instance

    def create_replica(self, region: str, request: Request) -> Instance:
        """CreateDBInstanceReadReplica. From the source come its class, storage, version and users, not its care.

        Backups, Multi-AZ, protection, monitoring and exported logs are off unless asked for, and a replica in another
        region has the default parameter group (API reference, CreateDBInstanceReadReplica).
        """
        request.accept(_REPLICA)
        source_name = request.required("SourceDBInstanceIdentifier")
        source = self.service.instance(region, source_name)
        abroad = source.region != region
        self._check_source(source)
        origin = source.settings
        requested_version = request.text("EngineVersion")
        if requested_version is not None:
            rules.check_version(requested_version, self.running_version)
        group = request.text("DBParameterGroupName") or (None if abroad else origin.parameter_group_name)
        settings = self.settings(
            region,
            request,
            engine_version=origin.engine_version,
            instance_class=rules.check_class(request.text("DBInstanceClass") or origin.instance_class),
            master_username=origin.master_username,
            db_name=origin.db_name,
            allocated_storage=max(request.integer("AllocatedStorage") or 0, origin.allocated_storage),
            storage_encrypted=origin.storage_encrypted,
            kms_key_id=self._replica_key(region, request, source),
            backup_retention_period=0,
            parameter_group_name=self.service.region(region).groups.parameter_group(group),
            auto_minor_version_upgrade=(
                origin.auto_minor_version_upgrade
                if request.flag("AutoMinorVersionUpgrade") is None
                else bool(request.flag("AutoMinorVersionUpgrade"))
            ),
        )
        instance = self.enter(region, request, settings, source)

        def build() -> None:
            source_port = self.service.port_of(source.server, source.region, region)
            instance.upstream = replica.clone(instance.server, source_port)
            self.start(instance)
            wait_for(
                lambda: replica.replication(instance.server).streaming,
                _STREAMING_TIMEOUT,
                f"The replication of {instance.identifier} from {source.identifier}",
            )
            self.ready(instance)

        self.service.submit(instance, build, failed_status)
        return instance

    def _check_source(self, source: Instance) -> None:
        self.service.require_available(source)
        if source.settings.backup_retention_period == 0:
            raise invalid_instance_state(
                "Automated backups are not enabled for this database instance. To enable automated backups, use "
                "ModifyDBInstance to set the backup retention period to a non-zero value."
            )
        if len(self.service.replicas_of(source)) >= rules.MAXIMUM_REPLICAS:
            raise invalid_instance_state(
                f"{source.identifier} has {rules.MAXIMUM_REPLICAS} read replicas already, the most that it may have."
            )

    def _replica_key(self, region: str, request: Request, source: Instance) -> str | None:
        """A key of the replica's own region; regions share none."""
        wanted = request.text("KmsKeyId")
        if not source.settings.storage_encrypted:
            if wanted is not None:
                raise invalid_combination("Cannot create an encrypted read replica from an unencrypted source.")
            return None
        if wanted is not None:
            return self.key(region, wanted)
        if source.region != region:
            raise invalid_combination("Cannot create a cross region unencrypted read replica from encrypted source.")
        return source.settings.kms_key_id
