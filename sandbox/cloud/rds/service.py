"""RDS in all regions of one cloud: its state, its servers and the links between them.

API calls check and change state under ``lock`` and return; ``workers`` do the work, one queue an instance.
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from moto.utilities.utils import CaseInsensitiveDict

from sandbox.certificates import CertificateAuthority
from sandbox.cloud.context import CloudContext
from sandbox.cloud.rds.automated import AutomatedBackup
from sandbox.cloud.rds.errors import instance_not_found, invalid_instance_state, snapshot_not_found
from sandbox.cloud.rds.groups import Groups
from sandbox.cloud.rds.model import AVAILABLE, DELETING, FAILED, Instance, Snapshot
from sandbox.cloud.rds.parameters import requires_tls, server_parameters
from sandbox.cloud.rds.worker import Task, Workers
from sandbox.errors import SandboxError
from sandbox.postgres.account import Account
from sandbox.postgres.credentials import Credentials
from sandbox.postgres.installation import Installation
from sandbox.postgres.link import LinkLoop, RegionLink
from sandbox.postgres.processes import reap
from sandbox.postgres.server import Environment, PostgresServer
from sandbox.postgres.settings import Settings
from sandbox.postgres.spares import SpareClusters
from sandbox.postgres.transfer import FileServer

log = logging.getLogger(__name__)


@dataclass(eq=False)
class RegionState:
    """What RDS has in one region."""

    name: str
    account_id: str
    directory: Path
    groups: Groups
    storage: FileServer
    """What other regions copy snapshots and logs from."""
    instances: MutableMapping[str, Instance] = field(default_factory=CaseInsensitiveDict)
    snapshots: MutableMapping[str, Snapshot] = field(default_factory=CaseInsensitiveDict)
    backups: dict[str, AutomatedBackup] = field(default_factory=dict)
    """By ARN: those of instances here and those replicated to here."""
    servers: dict[str, PostgresServer] = field(default_factory=dict)
    """Every server that may be running, by resource id."""

    def kill(self) -> None:
        """The region is gone, from one moment to the next: servers and storage. Nothing here brings them back."""
        self.storage.close()
        for server in list(self.servers.values()):
            server.kill()


class RdsService:
    """Start with ``start``, end with ``close``; no process is started before."""

    def __init__(self, context: CloudContext) -> None:
        self.context = context
        self.directory = context.directory / "rds"
        self.lock = RLock()
        self.workers = Workers()
        self.link_loop = LinkLoop()
        self._links: dict[tuple[str, str], RegionLink] = {}
        self._regions: dict[str, RegionState] = {}
        self._environment: Environment | None = None

    # -- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Prepare what servers need. What an earlier cloud in this directory left behind is ended and removed."""
        reap(self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)
        account = Account.for_postgres()
        self.directory.mkdir(parents=True)
        self.directory.chmod(0o711)  # whatever the umask says
        if not account.can_traverse(self.directory):
            raise SandboxError(
                f"PostgreSQL runs as the user nobody, who cannot reach {self.directory}; put the sandbox below a "
                "directory that everyone can traverse (mode 0711 or 0755)."
            )
        installation = Installation.prepare(self.context.directory / "bin", account)
        credentials = Credentials.create(self.directory / "secrets", account)
        spares = SpareClusters(installation, credentials, self.directory / "spares")
        authority = CertificateAuthority(self.context.directory).create()
        self._environment = Environment(installation, credentials, authority, spares)
        spares.start()
        self.link_loop.start()

    def close(self) -> None:
        """Stop every server, all at once."""
        self.workers.close()
        self.environment.spares.close()
        servers = [server for region in self._regions.values() for server in region.servers.values()]
        if servers:
            with ThreadPoolExecutor(max_workers=len(servers)) as pool:
                list(pool.map(lambda server: server.close(), servers))
        for region in self._regions.values():
            region.storage.close()
        self.link_loop.close()
        reap(self.directory)

    @property
    def environment(self) -> Environment:
        if self._environment is None:
            raise RuntimeError("RdsService.start was not called")
        return self._environment

    # -- regions --------------------------------------------------------------------------------------------------

    def region(self, name: str) -> RegionState:
        with self.lock:
            state = self._regions.get(name)
            if state is None:
                directory = self.directory / name
                groups = Groups(name, self.context.account_id)
                storage = FileServer(self.environment.installation.account, directory / "storage")
                state = RegionState(name, self.context.account_id, directory, groups, storage)
                self._regions[name] = state
            return state

    def regions(self) -> Iterator[RegionState]:
        with self.lock:
            return iter(list(self._regions.values()))

    def link(self, source: str, destination: str) -> RegionLink:
        """What ``destination`` pulls from ``source``."""
        with self.lock:
            key = (source, destination)
            if key not in self._links:
                self._links[key] = RegionLink(self.link_loop, source, destination)
            return self._links[key]

    def port_of(self, server: PostgresServer, source: str, destination: str) -> int:
        """How ``destination`` reaches a server in ``source``: directly at home, else through the link."""
        return server.port if source == destination else self.link(source, destination).port(server.port)

    # -- instances ------------------------------------------------------------------------------------------------

    def instance(self, region: str, identifier: str) -> Instance:
        """By identifier or ARN. Raises DBInstanceNotFound."""
        if identifier.startswith("arn:"):
            parts = identifier.split(":")
            if len(parts) != 7 or parts[5] != "db":
                raise instance_not_found(identifier)
            region, identifier = parts[3], parts[6]
        found = self.region(region).instances.get(identifier)
        if found is None:
            raise instance_not_found(identifier)
        return found

    def instances(self) -> Iterator[Instance]:
        with self.lock:
            return iter([item for region in self._regions.values() for item in region.instances.values()])

    def replicas_of(self, source: Instance) -> list[Instance]:
        return [item for item in self.instances() if item.source is source]

    def snapshot(self, region: str, identifier: str) -> Snapshot:
        """By identifier or ARN. Raises DBSnapshotNotFound."""
        if identifier.startswith("arn:"):
            parts = identifier.split(":", 6)
            if len(parts) != 7 or parts[5] != "snapshot":
                raise snapshot_not_found(identifier)
            region, identifier = parts[3], parts[6]
        found = self.region(region).snapshots.get(identifier)
        if found is None:
            raise snapshot_not_found(identifier)
        return found

    def new_server(self, region: str, resource_id: str, name: str) -> PostgresServer:
        state = self.region(region)
        server = PostgresServer(self.environment, state.directory / "servers" / resource_id, name)
        with self.lock:
            state.servers[resource_id] = server
        return server

    def forget_server(self, instance: Instance) -> None:
        with self.lock:
            self.region(instance.region).servers.pop(instance.resource_id, None)
        instance.server.remove()

    def own_backup(self, instance: Instance) -> AutomatedBackup | None:
        """The instance's automated backups in its own region."""
        backups = list(self.region(instance.region).backups.values())
        return next((item for item in backups if item.instance is instance and not item.replicated), None)

    def backups_of(self, instance: Instance) -> list[AutomatedBackup]:
        """The same with those that are replicated elsewhere."""
        with self.lock:
            return [item for region in self.regions() for item in region.backups.values() if item.instance is instance]

    def server_settings(self, instance: Instance, recovery_target: str | None = None) -> Settings:
        """The configuration that an instance's server has now."""
        backup = self.own_backup(instance)
        return Settings(
            parameters=server_parameters(instance.applied_parameters),
            require_tls=requires_tls(instance.applied_parameters),
            archive=backup.archive.incoming if backup is not None else None,
            upstream=instance.upstream,
            recovery_target=recovery_target,
        )

    # -- work -----------------------------------------------------------------------------------------------------

    def require_available(self, instance: Instance) -> None:
        if instance.status != AVAILABLE:
            raise invalid_instance_state(
                f"Database instance {instance.identifier} is not in available state (it is {instance.status})."
            )

    def set_status(self, instance: Instance, status: str) -> None:
        """What is being deleted stays so, whatever earlier work on it still comes to."""
        with self.lock:
            if instance.status not in (status, DELETING):
                log.info("%s %s: %s", instance.region, instance.identifier, status)
                instance.status = status

    def change_settings(self, instance: Instance, **changes: object) -> None:
        with self.lock:
            instance.settings = dataclasses.replace(instance.settings, **changes)  # type: ignore[arg-type]

    def submit(self, instance: Instance, task: Task, failed: Callable[[Exception], str] | None = None) -> None:
        """Do ``task`` for the instance; where it fails, its status says so (``failed`` unless told otherwise)."""

        def run() -> None:
            try:
                task()
            except Exception as problem:
                if self.workers.is_closed:
                    return
                self.set_status(instance, failed(problem) if failed is not None else FAILED)
                log.exception("%s %s: %s", instance.region, instance.identifier, instance.status)

        self.workers.submit(instance.resource_id, run)
