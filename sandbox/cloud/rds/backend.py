"""moto's RDS backend, corrected where groups are used by real servers, and pointed at our instances and snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

from moto.rds.models import DBInstance, DBParameterGroup, DBSnapshot, DBSubnetGroup, RDSBackend

from sandbox.cloud.rds import parameters
from sandbox.cloud.rds.errors import (
    error,
    instance_not_found,
    invalid_value,
    parameter_group_not_found,
    snapshot_not_found,
    subnet_group_not_found,
)
from sandbox.cloud.rds.model import DELETING, Instance, Snapshot
from sandbox.cloud.rds.parameters import IMMEDIATE, Change
from sandbox.cloud.rds.rules import DEFAULT_PARAMETER_GROUP, FAMILY, check_identifier
from sandbox.cloud.rds.system import RdsSystem

_MINIMUM_ZONES = 2


class SandboxRdsBackend(RDSBackend):  # type: ignore[misc]
    """One region's. Groups, event subscriptions and tags stay moto's."""

    system: ClassVar[RdsSystem]
    urls_module: ClassVar[ModuleType]

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        state = self.system.service.region(region_name)
        self.databases: MutableMapping[str, Instance] = state.instances
        self.database_snapshots: MutableMapping[str, Snapshot] = state.snapshots
        # moto finds tagged resources by class; ours are found by ARN below.
        self.resource_map: dict[type, Mapping[str, Any]] = {
            **self.resource_map,
            DBInstance: self.databases,
            DBSnapshot: self.database_snapshots,
        }
        self.db_parameter_groups[DEFAULT_PARAMETER_GROUP] = DBParameterGroup(
            self, DEFAULT_PARAMETER_GROUP, f"Default parameter group for {FAMILY}", FAMILY
        )

    @property
    def _url_module(self) -> ModuleType:
        """moto derives its name from that of the backend's module, in a way that fits its own packages only."""
        return self.urls_module

    # -- parameter groups -----------------------------------------------------------------------------------------

    def create_db_parameter_group(self, db_parameter_group_kwargs: Mapping[str, Any]) -> Any:
        family = db_parameter_group_kwargs.get("db_parameter_group_family")
        check_identifier(
            "DBParameterGroupName", str(db_parameter_group_kwargs.get("db_parameter_group_name")), longest=255
        )
        if family and family != FAMILY:
            raise invalid_value(f"ParameterGroupFamily {family} is not a valid parameter group family")
        return super().create_db_parameter_group(db_parameter_group_kwargs)

    def describe_db_parameter_groups(self, db_parameter_group_kwargs: Mapping[str, Any]) -> Any:
        """A named group that does not exist is an error; moto's answer is an empty list."""
        found = super().describe_db_parameter_groups(db_parameter_group_kwargs)
        name = db_parameter_group_kwargs.get("db_parameter_group_name")
        if name and not found:
            found = [group for key, group in self.db_parameter_groups.items() if key.lower() == str(name).lower()]
            if not found:
                raise parameter_group_not_found(str(name))
        return found

    def change_parameters(self, name: str, changes: Sequence[Change]) -> None:
        """Check all, then keep all, then bring them to the servers."""
        group = self.db_parameter_groups.get(name)
        if group is None:
            raise parameter_group_not_found(name)
        if group.name == DEFAULT_PARAMETER_GROUP:
            raise invalid_value("Cannot modify a default parameter group.")
        parameters.check(changes)
        with self.system.service.lock:
            for change in changes:
                if change.value is None:
                    group.parameters.pop(change.name, None)
                else:
                    group.parameters[change.name] = {
                        "ParameterName": change.name,
                        "ParameterValue": change.value,
                        "ApplyMethod": IMMEDIATE if change.immediate else parameters.PENDING_REBOOT,
                    }
        self.system.changes.parameters_changed(self.region_name, group.name, changes)

    def delete_db_parameter_group(self, db_parameter_group_name: str) -> Any:
        group = self.db_parameter_groups.get(db_parameter_group_name)
        if group is None:
            raise parameter_group_not_found(db_parameter_group_name)
        if group.name == DEFAULT_PARAMETER_GROUP:
            raise error("InvalidDBParameterGroupState", "Default DBParameterGroup cannot be deleted.")
        users = [item.identifier for item in self._live() if item.settings.parameter_group_name == group.name]
        if users:
            raise error(
                "InvalidDBParameterGroupState",
                "One or more database instances are still members of this parameter group "
                f"{group.name} ({', '.join(users)}), so the group cannot be deleted",
            )
        return super().delete_db_parameter_group(db_parameter_group_name)

    # -- subnet groups --------------------------------------------------------------------------------------------

    def create_subnet_group(
        self, subnet_name: str, description: str, subnets: Sequence[Any], tags: Sequence[Mapping[str, str]]
    ) -> Any:
        if subnet_name in self.subnet_groups:
            raise error("DBSubnetGroupAlreadyExists", f"The DB subnet group '{subnet_name}' already exists.")
        _check_coverage(subnets)
        return super().create_subnet_group(subnet_name, description, subnets, tags)

    def modify_db_subnet_group(self, subnet_name: str, description: str | None, subnets: Sequence[Any]) -> Any:
        """moto's own takes the group out of its table and does not put it back."""
        group: DBSubnetGroup | None = self.subnet_groups.get(subnet_name)
        if group is None:
            raise subnet_group_not_found(subnet_name)
        _check_coverage(subnets)
        group.subnets = subnets
        if description is not None:
            group.description = description
        return group

    def delete_subnet_group(self, subnet_name: str) -> Any:
        group = self.subnet_groups.get(subnet_name)
        if group is None:
            raise subnet_group_not_found(subnet_name)
        users = [item.identifier for item in self._live() if item.settings.subnet_group_name == group.name]
        if users:
            raise error(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{subnet_name}' because at least one database instance "
                f"({', '.join(users)}) is still using it.",
            )
        return super().delete_subnet_group(subnet_name)

    # -- tags -----------------------------------------------------------------------------------------------------

    def _get_resource_for_tagging(self, arn: str) -> Any:
        """Ours by ARN; moto takes an unknown resource for one without tags, where the service says not found."""
        parts = arn.split(":", 6)
        if len(parts) == 7 and parts[2] == "rds" and parts[3] == self.region_name:
            kind, name = parts[5], parts[6]
            if kind == "db":
                return self._found(self.databases.get(name), instance_not_found(name))
            if kind == "snapshot":
                return self._found(self.database_snapshots.get(name), snapshot_not_found(name))
            if kind == "auto-backup":
                backups = self.system.service.region(self.region_name).backups
                return self._found(backups.get(arn), error("DBInstanceAutomatedBackupNotFound", f"{arn} not found."))
        return super()._get_resource_for_tagging(arn)

    @staticmethod
    def _found(item: object, missing: Exception) -> object:
        if item is None:
            raise missing
        return item

    def _live(self) -> Iterable[Instance]:
        with self.system.service.lock:
            return [item for item in self.databases.values() if item.status != DELETING]


def _check_coverage(subnets: Sequence[Any]) -> None:
    if not subnets:
        raise invalid_value("The parameter SubnetIds must be provided and must not be blank.")
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise error("InvalidSubnet", "The requested subnets are not all in a common VPC.")
    zones = sorted({subnet.availability_zone for subnet in subnets})
    if len(zones) < _MINIMUM_ZONES:
        raise error(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
            f"{', '.join(zones)}. Add subnets to cover at least {_MINIMUM_ZONES} AZs.",
        )
