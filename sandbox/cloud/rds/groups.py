"""What an instance needs of its region's network and groups, which moto keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from moto.ec2.models import ec2_backends
from moto.rds.models import rds_backends

from sandbox.cloud.rds.errors import (
    error,
    invalid_combination,
    invalid_value,
    parameter_group_not_found,
    subnet_group_not_found,
)
from sandbox.cloud.rds.rules import DEFAULT_OPTION_GROUP, DEFAULT_PARAMETER_GROUP, FAMILY

_ZONES = "abc"


@dataclass(frozen=True)
class Placement:
    zone: str
    secondary_zone: str | None


@dataclass(frozen=True)
class Groups:
    """Look-ups in one region."""

    region: str
    account_id: str

    def parameter_group(self, name: str | None) -> str:
        """The stored name of an existing group of our family; None is the family's default group."""
        if name is None:
            return DEFAULT_PARAMETER_GROUP
        group = rds_backends[self.account_id][self.region].db_parameter_groups.get(name)
        if group is None:
            raise parameter_group_not_found(name)
        if group.family != FAMILY:
            raise invalid_combination(
                f"The parameter group {name} with DBParameterGroupFamily {group.family} can't be used for this "
                f"instance. Please use a parameter group with DBParameterGroupFamily {FAMILY}"
            )
        return str(group.name)

    def parameter_values(self, name: str) -> dict[str, str]:
        """What the group's user has set."""
        group = rds_backends[self.account_id][self.region].db_parameter_groups.get(name)
        if group is None:
            return {}
        return {
            key: str(entry["ParameterValue"]) for key, entry in group.parameters.items() if "ParameterValue" in entry
        }

    def option_group(self, name: str | None) -> str:
        if name is None or name == DEFAULT_OPTION_GROUP:
            return DEFAULT_OPTION_GROUP
        if name not in rds_backends[self.account_id][self.region].option_groups:
            raise error("OptionGroupNotFoundFault", f"Specified OptionGroupName: {name} not found.")
        return name.lower()

    def subnet_group(self, name: str | None) -> str | None:
        if name is None:
            return None
        group = rds_backends[self.account_id][self.region].subnet_groups.get(name)
        if group is None:
            raise subnet_group_not_found(name)
        return str(group.name)

    def subnet_group_details(self, name: str | None) -> Mapping[str, object] | None:
        group = rds_backends[self.account_id][self.region].subnet_groups.get(name) if name else None
        if group is None:
            return None
        return {
            "DBSubnetGroupName": group.name,
            "DBSubnetGroupDescription": group.description,
            "DBSubnetGroupArn": group.arn,
            "VpcId": group.vpc_id,
            "SubnetGroupStatus": "Complete",
            "Subnets": group.subnets,
            "SupportedNetworkTypes": ["IPV4"],
        }

    def vpc(self, subnet_group: str | None) -> str | None:
        """The VPC of a subnet group; without one the region's default VPC."""
        group = rds_backends[self.account_id][self.region].subnet_groups.get(subnet_group) if subnet_group else None
        if group is not None:
            return str(group.vpc_id)
        default = ec2_backends[self.account_id][self.region].default_vpc
        return str(default.id) if default is not None else None

    def security_groups(self, names: tuple[str, ...] | None, subnet_group: str | None) -> tuple[str, ...]:
        """Existing security groups; none given: the default one of the VPC."""
        ec2 = ec2_backends[self.account_id][self.region]
        if names:
            for name in names:
                if ec2.get_security_group_from_id(name) is None:
                    raise invalid_value(f"Invalid security group , groupId= {name}, groupName=.")
            return names
        vpc = self.vpc(subnet_group)
        group = ec2.get_default_security_group(vpc) if vpc is not None else None
        return (str(group.id),) if group is not None else ()

    def placement(self, subnet_group: str | None, zone: str | None, *, multi_az: bool) -> Placement:
        """The zone of an instance and, with Multi-AZ, of its standby (which is stated only: there is one server)."""
        if zone is not None and multi_az:
            raise invalid_combination("Requesting a specific availability zone is not valid for Multi-AZ instances.")
        zones = self._zones(subnet_group)
        if zone is not None and zone not in zones:
            raise invalid_value(
                f"Cannot create a database instance in availability zone {zone}; possible are {', '.join(zones)}."
            )
        first = zone or zones[0]
        others = [other for other in zones if other != first]
        if multi_az and not others:
            raise error(
                "DBSubnetGroupDoesNotCoverEnoughAZs",
                "DB Subnet Group doesn't meet availability zone coverage requirement. Please add subnets to cover at "
                f"least 2 availability zones. Current coverage: {len(zones)}",
            )
        return Placement(first, others[0] if multi_az else None)

    def _zones(self, subnet_group: str | None) -> list[str]:
        group = rds_backends[self.account_id][self.region].subnet_groups.get(subnet_group) if subnet_group else None
        if group is None:
            return [f"{self.region}{letter}" for letter in _ZONES]
        return sorted({str(subnet["SubnetAvailabilityZone"]["Name"]) for subnet in group.subnets})
