"""The wiring of one site: which component gets what."""

from __future__ import annotations

import pulumi

from infra import database_backups
from infra.address_plan import plan
from infra.component import Component, tagging
from infra.database import Database, DatabaseArgs
from infra.database_backups import ReplicatedBackups, ReplicatedBackupsArgs
from infra.endpoints import Endpoints, EndpointsArgs
from infra.firewall import Firewall, FirewallArgs
from infra.flow_logs import FlowLogs, FlowLogsArgs
from infra.keys import Keys, KeysArgs
from infra.lineage import ReplicaOf, Source
from infra.network import Network, NetworkArgs
from infra.outputs import BucketOutputs, DatabaseOutputs, Exported, NetworkOutputs, Published, SiteOutputs
from infra.replication import REPLICATED, Replication, ReplicationArgs
from infra.secrets import Connection, Secrets, SecretsArgs
from infra.settings import Settings
from infra.sites import Purpose
from infra.storage import Storage, StorageArgs


class SiteEnvironment(Component):
    """Everything of one site. What depends on the peer appears when the peer's outputs do."""

    def __init__(self, settings: Settings, source: Source | None, peer: Published | None) -> None:
        super().__init__(
            settings.site.value,
            pulumi.ResourceOptions(transformations=[tagging(pulumi.get_project(), settings.site)]),
        )
        self._settings = settings
        self._source = source
        self._peer = peer
        self._network = Network(
            "network",
            NetworkArgs(plan(settings.network.cidr, settings.network.zones), settings.region),
            self.child(),
        )
        self._firewall = Firewall("firewall", FirewallArgs(settings.site, self._network.vpc_id), self.child())
        self._keys = Keys(
            "keys",
            KeysArgs(settings.site, settings.region, self._network.account_id, settings.disposable),
            self.child(),
        )
        self._round_the_network()
        self._storage = Storage(
            "storage",
            StorageArgs(settings.site, self._keys.arn, settings.storage, settings.disposable),
            self.child(),
        )
        self._database = self._make_database(source) if source else None
        self._secrets = Secrets(
            "secrets",
            SecretsArgs(settings.site, self._keys.arn, self._connection(), settings.disposable),
            self.child(),
        )
        if peer is not None:
            self._follow(peer)
        self.register_outputs({})

    def _round_the_network(self) -> None:
        settings, network = self._settings, self._network
        Endpoints(
            "endpoints",
            EndpointsArgs(
                region=settings.region,
                vpc_id=network.vpc_id,
                subnet_ids=network.private_subnet_ids,
                route_table_ids=network.private_route_table_ids,
                security_group_id=self._firewall.endpoints.id,
            ),
            self.child(),
        )
        FlowLogs(
            "flow-logs",
            FlowLogsArgs(
                site=settings.site,
                region=settings.region,
                account_id=network.account_id,
                vpc_id=network.vpc_id,
                key_arn=self._keys.arn,
                retention_days=settings.log_retention_days,
            ),
            self.child(),
        )

    def _make_database(self, source: Source) -> Database:
        settings = self._settings
        return Database(
            "database",
            DatabaseArgs(
                site=settings.site,
                generation=settings.generation,
                source=source,
                settings=settings.database,
                subnet_ids=self._network.database_subnet_ids,
                security_group_id=self._firewall.database.id,
                key_arn=self._keys.arn,
                log_retention_days=settings.log_retention_days,
                disposable=settings.disposable,
            ),
            self.child(),
        )

    def _connection(self) -> Connection | None:
        if self._database is None:
            return None
        instance, database = self._database.instance, self._settings.database
        return Connection(
            identifier=instance.identifier,
            host=instance.address,
            port=instance.port,
            database=database.name,
            username=database.username,
            password=database.password.output(),
        )

    def _follow(self, peer: Published) -> None:
        """What stands on the peer's own resources."""
        settings = self._settings
        names = {purpose: getattr(peer.buckets, purpose.value) for purpose in REPLICATED}
        Replication(
            "replication",
            ReplicationArgs(
                site=settings.site,
                region=settings.region,
                buckets=self._storage.buckets,
                key_arn=self._keys.arn,
                peer_region=peer.region,
                peer_buckets=names,
                peer_key_arn=peer.key_arn,
            ),
            self.child(),
        )
        if database_backups.wanted(peer) and peer.database is not None:
            ReplicatedBackups(
                "replicated-backups",
                ReplicatedBackupsArgs(
                    source_arn=peer.database.arn,
                    source_generation=peer.database.generation,
                    key_arn=self._keys.arn,
                    disposable=settings.disposable,
                ),
                self.child(),
            )

    def outputs(self) -> Exported:
        settings, network = self._settings, self._network
        return SiteOutputs(
            site=settings.site,
            region=settings.region,
            role=settings.role,
            epoch=settings.epoch,
            generation=settings.generation,
            peer_seen=self._peer is not None,
            account_id=network.account_id,
            key_arn=self._keys.arn,
            key_alias=self._keys.alias,
            network=NetworkOutputs(
                cidr=str(settings.network.cidr),
                zones=network.zones,
                vpc_id=network.vpc_id,
                public_subnet_ids=network.public_subnet_ids,
                private_subnet_ids=network.private_subnet_ids,
                database_subnet_ids=network.database_subnet_ids,
                application_security_group_id=self._firewall.application.id,
                database_security_group_id=self._firewall.database.id,
            ),
            buckets=BucketOutputs(**{purpose.value: self._storage.buckets[purpose].bucket_name for purpose in Purpose}),
            database_secret_arn=self._secrets.database_secret_arn,
            database=self._database_outputs(),
        )

    def _database_outputs(self) -> DatabaseOutputs[pulumi.Output[str], pulumi.Output[int]] | None:
        if self._database is None:
            return None
        instance, settings = self._database.instance, self._settings
        return DatabaseOutputs(
            generation=settings.generation,
            identifier=instance.identifier,
            arn=instance.arn,
            resource_id=instance.resource_id,
            address=instance.address,
            port=instance.port,
            endpoint=instance.endpoint,
            name=settings.database.name,
            username=settings.database.username,
            parameter_group_name=instance.parameter_group_name,
            subnet_group_name=instance.db_subnet_group_name,
            source_arn=self._source.source_arn if isinstance(self._source, ReplicaOf) else None,
        )
