"""The network itself: VPC and subnet here, the ways out of it in ``ec2_gateways``."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sandbox.provider.core.values import Properties
from sandbox.provider.services import ec2_gateways
from sandbox.provider.services.ec2_common import MINUTE, Ec2Resource, address_range, same_network, tags_of
from sandbox.provider.services.refusals import Failure, only

_VPC_ATTRIBUTES: Final = {
    "enableDnsSupport": True,
    "enableDnsHostnames": False,
    "enableNetworkAddressUsageMetrics": False,
}
"""What a new VPC has (EC2 API Reference, ModifyVpcAttribute); host names come after the resolution they need."""


class Vpc(Ec2Resource):
    """A virtual network."""

    token = "aws:ec2/vpc:Vpc"  # noqa: S105
    missing = frozenset({"InvalidVpcID.NotFound"})
    tag_type = "vpc"
    defaults: ClassVar = {"enableDnsSupport": True, "instanceTenancy": "default"}
    also_computed = frozenset(
        {
            "enableDnsHostnames",
            "enableNetworkAddressUsageMetrics",
            "ipv6CidrBlock",
            "ipv6CidrBlockNetworkBorderGroup",
        }
    )
    refused = frozenset({"ipv4IpamPoolId", "ipv4NetmaskLength", "ipv6CidrBlock", "ipv6IpamPoolId", "ipv6NetmaskLength"})
    timeouts: ClassVar = {"delete": 5 * MINUTE}

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        found = super().check(inputs) + address_range(inputs, "cidrBlock")
        if not inputs.get("cidrBlock"):
            found.append(("cidrBlock", '"cidrBlock" is required: address pools (IPAM) are not supported here'))
        if inputs.get("ipv6CidrBlockNetworkBorderGroup") and not inputs.get("assignGeneratedIpv6CidrBlock"):
            found.append(("ipv6CidrBlockNetworkBorderGroup", "needs assignGeneratedIpv6CidrBlock to be true"))
        return found + only(inputs, "instanceTenancy", ("default", "dedicated"))

    @classmethod
    def replaces(cls, path: str, old: Properties, new: Properties) -> bool | None:
        if path == "instanceTenancy":
            return not (old.get(path) == "dedicated" and new.get(path) == "default")
        return None

    def create(self, inputs: Properties) -> str:
        request: dict[str, Any] = {"CidrBlock": inputs["cidrBlock"], "InstanceTenancy": inputs["instanceTenancy"]}
        if inputs.get("assignGeneratedIpv6CidrBlock"):
            request["AmazonProvidedIpv6CidrBlock"] = True
            if inputs.get("ipv6CidrBlockNetworkBorderGroup"):
                request["Ipv6CidrBlockNetworkBorderGroup"] = inputs["ipv6CidrBlockNetworkBorderGroup"]
        made = self.client.create_vpc(**request, **self.tag_specifications(inputs))["Vpc"]
        vpc_id = str(made["VpcId"])
        self.call.made(vpc_id)
        if made.get("State") != "available":
            self.await_state(f"VPC {vpc_id}", lambda: (self._describe(vpc_id).get("State", ""), ""), "available")
        for name, value in _VPC_ATTRIBUTES.items():
            if inputs.get(name, value) != value:
                self._set_attribute(vpc_id, name, inputs[name])
        return vpc_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self.one("describe_vpcs", "Vpcs", VpcIds=[resource_id])
        if found is None:
            return None
        of_vpc = {"Name": "vpc-id", "Values": [resource_id]}
        acl = self.one(
            "describe_network_acls", "NetworkAcls", Filters=[of_vpc, {"Name": "default", "Values": ["true"]}]
        )
        group = self.one(
            "describe_security_groups",
            "SecurityGroups",
            Filters=[of_vpc, {"Name": "group-name", "Values": ["default"]}],
        )
        main = self.one(
            "describe_route_tables", "RouteTables", Filters=[of_vpc, {"Name": "association.main", "Values": ["true"]}]
        )
        ipv6 = _associated(found, "Ipv6CidrBlockAssociationSet")
        return {
            "id": resource_id,
            "arn": self.arn("vpc", resource_id, found.get("OwnerId")),
            "ownerId": found.get("OwnerId"),
            "cidrBlock": found["CidrBlock"],
            "instanceTenancy": found["InstanceTenancy"],
            "dhcpOptionsId": found.get("DhcpOptionsId"),
            "defaultNetworkAclId": acl["NetworkAclId"] if acl else None,
            "defaultSecurityGroupId": group["GroupId"] if group else None,
            "mainRouteTableId": main["RouteTableId"] if main else None,
            # AWS does not say which table it made with the VPC; it stays the main one unless a program changes that
            "defaultRouteTableId": main["RouteTableId"] if main else None,
            "assignGeneratedIpv6CidrBlock": ipv6.get("Ipv6Pool") == "Amazon",
            "ipv6AssociationId": ipv6.get("AssociationId"),
            "ipv6CidrBlock": ipv6.get("Ipv6CidrBlock"),
            "ipv6CidrBlockNetworkBorderGroup": ipv6.get("NetworkBorderGroup"),
            **{name: self._attribute(resource_id, name) for name in _VPC_ATTRIBUTES},
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)
        names = [name for name in _VPC_ATTRIBUTES if name in changed]
        if new.get("enableDnsSupport") is False:
            names.reverse()  # host names need name resolution: on after it, off before it
        for name in names:
            self._set_attribute(resource_id, name, new[name])
        if "instanceTenancy" in changed:
            self.client.modify_vpc_tenancy(VpcId=resource_id, InstanceTenancy=new["instanceTenancy"])
        if changed & {"assignGeneratedIpv6CidrBlock", "ipv6CidrBlockNetworkBorderGroup"}:
            self._change_ipv6(resource_id, old, new)

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        self.delete_when_free(lambda: self.client.delete_vpc(VpcId=resource_id))

    def _describe(self, vpc_id: str) -> dict[str, Any]:
        return self.one("describe_vpcs", "Vpcs", VpcIds=[vpc_id]) or {}

    def _attribute(self, vpc_id: str, name: str) -> bool:
        answer = self.client.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
        return bool(answer[name[0].upper() + name[1:]]["Value"])

    def _set_attribute(self, vpc_id: str, name: str, value: bool) -> None:
        self.client.modify_vpc_attribute(VpcId=vpc_id, **{name[0].upper() + name[1:]: {"Value": value}})

    def _change_ipv6(self, vpc_id: str, old: Properties, new: Properties) -> None:
        if old.get("ipv6AssociationId"):
            self.client.disassociate_vpc_cidr_block(AssociationId=old["ipv6AssociationId"])
        if not new.get("assignGeneratedIpv6CidrBlock"):
            return
        border = new.get("ipv6CidrBlockNetworkBorderGroup")
        request = {"Ipv6CidrBlockNetworkBorderGroup": border} if border else {}
        self.client.associate_vpc_cidr_block(VpcId=vpc_id, AmazonProvidedIpv6CidrBlock=True, **request)
        self.await_state(
            f"the IPv6 range of VPC {vpc_id}",
            lambda: (_state_of(_associated(self._describe(vpc_id), "Ipv6CidrBlockAssociationSet")), ""),
            "associated",
        )


class Subnet(Ec2Resource):
    """A range of a VPC in one zone."""

    token = "aws:ec2/subnet:Subnet"  # noqa: S105
    missing = frozenset({"InvalidSubnetID.NotFound"})
    tag_type = "subnet"
    defaults: ClassVar = {
        "assignIpv6AddressOnCreation": False,
        "enableDns64": False,
        "enableResourceNameDnsARecordOnLaunch": False,
        "enableResourceNameDnsAaaaRecordOnLaunch": False,
        "ipv6Native": False,
        "mapPublicIpOnLaunch": False,
    }
    also_computed = frozenset({"privateDnsHostnameTypeOnLaunch"})
    refused = frozenset(
        {
            "customerOwnedIpv4Pool",
            "enableDns64",
            "enableLniAtDeviceIndex",
            "enableResourceNameDnsAaaaRecordOnLaunch",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
            "ipv6IpamPoolId",
            "ipv6NetmaskLength",
            "mapCustomerOwnedIpOnLaunch",
            "outpostArn",
            "privateDnsHostnameTypeOnLaunch",
        }
    )
    conflicts = (frozenset({"availabilityZone", "availabilityZoneId"}),)
    timeouts: ClassVar = {"delete": 20 * MINUTE}

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        return super().check(inputs) + address_range(inputs, "cidrBlock") + address_range(inputs, "ipv6CidrBlock")

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        return same_network(old, new) if path == "ipv6CidrBlock" else None

    @classmethod
    def replaces(cls, path: str, old: Properties, new: Properties) -> bool | None:
        del new
        return bool(old.get("assignIpv6AddressOnCreation")) if path == "ipv6CidrBlock" else None

    def create(self, inputs: Properties) -> str:
        request = {
            name: inputs[key]
            for name, key in (
                ("VpcId", "vpcId"),
                ("CidrBlock", "cidrBlock"),
                ("Ipv6CidrBlock", "ipv6CidrBlock"),
                ("AvailabilityZone", "availabilityZone"),
                ("AvailabilityZoneId", "availabilityZoneId"),
                ("Ipv6Native", "ipv6Native"),
            )
            if inputs.get(key)
        }
        made = self.client.create_subnet(**request, **self.tag_specifications(inputs))["Subnet"]
        subnet_id = str(made["SubnetId"])
        self.call.made(subnet_id)
        if made.get("State") != "available":
            self.await_state(
                f"subnet {subnet_id}", lambda: (self._describe(subnet_id).get("State", ""), ""), "available"
            )
        for name, value in _launch_settings(made).items():
            if bool(inputs.get(name)) != value:
                self._set_attribute(subnet_id, name, bool(inputs.get(name)))
        return subnet_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self.one("describe_subnets", "Subnets", SubnetIds=[resource_id])
        if found is None:
            return None
        ipv6 = _associated(found, "Ipv6CidrBlockAssociationSet")
        names = found.get("PrivateDnsNameOptionsOnLaunch", {})
        return {
            "id": resource_id,
            "arn": found.get("SubnetArn") or self.arn("subnet", resource_id, found.get("OwnerId")),
            "ownerId": found.get("OwnerId"),
            "vpcId": found["VpcId"],
            "cidrBlock": found.get("CidrBlock"),
            "availabilityZone": found["AvailabilityZone"],
            "availabilityZoneId": found.get("AvailabilityZoneId"),
            "ipv6CidrBlock": ipv6.get("Ipv6CidrBlock"),
            "ipv6CidrBlockAssociationId": ipv6.get("AssociationId"),
            "ipv6Native": found.get("Ipv6Native", False),
            "enableDns64": found.get("EnableDns64", False),
            "enableResourceNameDnsAaaaRecordOnLaunch": names.get("EnableResourceNameDnsAAAARecord", False),
            "privateDnsHostnameTypeOnLaunch": names.get("HostnameType"),
            **_launch_settings(found),
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)
        if "ipv6CidrBlock" in changed:
            if old.get("ipv6CidrBlockAssociationId"):
                self.client.disassociate_subnet_cidr_block(AssociationId=old["ipv6CidrBlockAssociationId"])
            if new.get("ipv6CidrBlock"):
                self.client.associate_subnet_cidr_block(SubnetId=resource_id, Ipv6CidrBlock=new["ipv6CidrBlock"])
        for name in sorted(changed & set(_launch_settings({}))):
            self._set_attribute(resource_id, name, bool(new.get(name)))

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        self.delete_when_free(lambda: self.client.delete_subnet(SubnetId=resource_id))

    def _describe(self, subnet_id: str) -> dict[str, Any]:
        return self.one("describe_subnets", "Subnets", SubnetIds=[subnet_id]) or {}

    def _set_attribute(self, subnet_id: str, name: str, value: bool) -> None:
        self.client.modify_subnet_attribute(SubnetId=subnet_id, **{name[0].upper() + name[1:]: {"Value": value}})


def _launch_settings(subnet: dict[str, Any]) -> dict[str, bool]:
    """What instances get that start in a subnet; each is set by a call of its own."""
    names = subnet.get("PrivateDnsNameOptionsOnLaunch", {})
    return {
        "mapPublicIpOnLaunch": bool(subnet.get("MapPublicIpOnLaunch")),
        "assignIpv6AddressOnCreation": bool(subnet.get("AssignIpv6AddressOnCreation")),
        "enableResourceNameDnsARecordOnLaunch": bool(names.get("EnableResourceNameDnsARecord")),
    }


def _state_of(association: dict[str, Any]) -> str:
    return str(association.get("Ipv6CidrBlockState", {}).get("State", ""))


def _associated(found: dict[str, Any], key: str) -> dict[str, Any]:
    """The IPv6 range that is in force; ranges that were taken away stay listed for a while."""
    gone = ("disassociating", "disassociated")
    return next((dict(item) for item in found.get(key, []) if _state_of(item) not in gone), {})


KINDS: Final = (Vpc, Subnet, *ec2_gateways.KINDS)
