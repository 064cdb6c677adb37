"""The ways out of a VPC: internet gateway, elastic address, NAT gateway."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sandbox.provider.core.values import Properties
from sandbox.provider.services.ec2_common import MINUTE, Ec2Resource, tags_of
from sandbox.provider.services.refusals import Failure, only


class InternetGateway(Ec2Resource):
    """The way of public subnets to the internet."""

    token = "aws:ec2/internetGateway:InternetGateway"  # noqa: S105
    missing = frozenset({"InvalidInternetGatewayID.NotFound"})
    tag_type = "internet-gateway"
    also_computed = frozenset({"vpcId"})
    timeouts: ClassVar = {"create": 20 * MINUTE, "update": 20 * MINUTE, "delete": 20 * MINUTE}

    def create(self, inputs: Properties) -> str:
        made = self.client.create_internet_gateway(**self.tag_specifications(inputs))["InternetGateway"]
        gateway_id = str(made["InternetGatewayId"])
        self.call.made(gateway_id)
        if inputs.get("vpcId"):
            self._attach(gateway_id, inputs["vpcId"])
        return gateway_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self.one("describe_internet_gateways", "InternetGateways", InternetGatewayIds=[resource_id])
        if found is None:
            return None
        attachments = found.get("Attachments", [])
        return {
            "id": resource_id,
            "arn": self.arn("internet-gateway", resource_id, found.get("OwnerId")),
            "ownerId": found.get("OwnerId"),
            "vpcId": attachments[0]["VpcId"] if attachments else "",
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)
        if "vpcId" in changed:
            self._detach(resource_id, old.get("vpcId"))
            if new.get("vpcId"):
                self._attach(resource_id, new["vpcId"])

    def delete(self, resource_id: str, state: Properties) -> None:
        self._detach(resource_id, state.get("vpcId"))
        self.delete_when_free(lambda: self.client.delete_internet_gateway(InternetGatewayId=resource_id))

    def _attach(self, gateway_id: str, vpc_id: str) -> None:
        self.call.retry_on(
            self.missing,
            lambda: self.client.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id),
        )

    def _detach(self, gateway_id: str, vpc_id: str | None) -> None:
        if vpc_id:
            # refused while public addresses of the VPC are mapped
            self.delete_when_free(
                lambda: self.client.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id),
                gone=("Gateway.NotAttached",),
            )


class Eip(Ec2Resource):
    """A public address that stays."""

    token = "aws:ec2/eip:Eip"  # noqa: S105
    missing = frozenset({"InvalidAllocationID.NotFound", "InvalidAddress.NotFound"})
    tag_type = "elastic-ip"
    refused = frozenset(
        {"associateWithPrivateIp", "customerOwnedIpv4Pool", "ipamPoolId", "networkBorderGroup", "publicIpv4Pool"}
    )
    write_only = frozenset({"address"})
    conflicts = (frozenset({"instance", "networkInterface"}),)
    timeouts: ClassVar = {"update": 5 * MINUTE, "delete": 3 * MINUTE}

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        return super().check(inputs) + only(inputs, "domain", ("vpc",))

    def create(self, inputs: Properties) -> str:
        request = {"Address": inputs["address"]} if inputs.get("address") else {}
        made = self.client.allocate_address(
            Domain=inputs.get("domain", "vpc"), **request, **self.tag_specifications(inputs)
        )
        allocation_id = str(made["AllocationId"])
        self.call.made(allocation_id)
        self._associate(allocation_id, inputs)
        return allocation_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self._find(resource_id)
        if found is None:
            return None
        attributes = self.client.describe_addresses_attribute(AllocationIds=[resource_id], Attribute="domain-name")
        answers: list[dict[str, Any]] = attributes.get("Addresses", [])
        pointer = answers[0].get("PtrRecord") if answers else None
        return {
            "id": resource_id,
            "allocationId": resource_id,
            "arn": self.arn("elastic-ip", resource_id),
            "domain": found["Domain"],
            "publicIp": found["PublicIp"],
            "publicDns": self._name("ec2", found["PublicIp"]),
            "privateIp": found.get("PrivateIpAddress"),
            "privateDns": self._name("ip", found.get("PrivateIpAddress")),
            "ptrRecord": pointer,
            "associationId": found.get("AssociationId", ""),
            "instance": found.get("InstanceId", ""),
            "networkInterface": found.get("NetworkInterfaceId", ""),
            "carrierIp": found.get("CarrierIp"),
            "customerOwnedIp": found.get("CustomerOwnedIp"),
            "networkBorderGroup": found.get("NetworkBorderGroup"),
            "publicIpv4Pool": found.get("PublicIpv4Pool"),
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)
        if changed & {"instance", "networkInterface"}:
            self._disassociate(old.get("associationId"))
            self._associate(resource_id, new)

    def delete(self, resource_id: str, state: Properties) -> None:
        del state  # a NAT gateway may have taken or left the address since
        found = self._find(resource_id)
        if found is None:
            return
        self._disassociate(found.get("AssociationId"))
        self.tolerate(lambda: self.client.release_address(AllocationId=resource_id))

    def _find(self, allocation_id: str) -> dict[str, Any] | None:
        return self.one("describe_addresses", "Addresses", AllocationIds=[allocation_id])

    def _associate(self, allocation_id: str, inputs: Properties) -> None:
        target = {
            name: inputs[key]
            for name, key in (("InstanceId", "instance"), ("NetworkInterfaceId", "networkInterface"))
            if inputs.get(key)
        }
        if target:
            self.client.associate_address(AllocationId=allocation_id, **target)

    def _disassociate(self, association_id: str | None) -> None:
        if association_id:
            self.tolerate(
                lambda: self.client.disassociate_address(AssociationId=association_id),
                ("InvalidAssociationID.NotFound",),
            )

    def _name(self, prefix: str, address: str | None) -> str | None:
        """The name that AWS gives an address (VPC User Guide, "DNS attributes for your VPC")."""
        if not address:
            return None
        first = self.call.region == "us-east-1"
        if prefix == "ip":
            domain = "ec2.internal" if first else f"{self.call.region}.compute.internal"
        else:
            domain = "compute-1.amazonaws.com" if first else f"{self.call.region}.compute.amazonaws.com"
        return f"{prefix}-{address.replace('.', '-')}.{domain}"


class NatGateway(Ec2Resource):
    """The way of private subnets to the internet, out only."""

    token = "aws:ec2/natGateway:NatGateway"  # noqa: S105
    missing = frozenset({"NatGatewayNotFound", "InvalidNatGatewayID.NotFound"})
    tag_type = "natgateway"
    defaults: ClassVar = {"connectivityType": "public"}
    also_computed = frozenset({"secondaryPrivateIpAddresses", "secondaryPrivateIpAddressCount"})
    refused = frozenset(
        {
            "availabilityMode",
            "availabilityZoneAddresses",
            "privateIp",
            "secondaryAllocationIds",
            "secondaryPrivateIpAddressCount",
            "secondaryPrivateIpAddresses",
            "vpcId",
        }
    )
    timeouts: ClassVar = {"create": 10 * MINUTE, "update": 10 * MINUTE, "delete": 30 * MINUTE}

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        found = super().check(inputs) + only(inputs, "connectivityType", ("public", "private"))
        if not inputs.get("subnetId"):
            found.append(("subnetId", '"subnetId" is required: regional NAT gateways are not supported here'))
        private = inputs["connectivityType"] == "private"
        if private and inputs.get("allocationId"):
            found.append(("allocationId", '"allocationId": a private NAT gateway has no public address'))
        if inputs["connectivityType"] == "public" and not inputs.get("allocationId"):
            found.append(("allocationId", '"allocationId" is required: a public NAT gateway needs an elastic address'))
        return found

    def create(self, inputs: Properties) -> str:
        request = {"AllocationId": inputs["allocationId"]} if inputs.get("allocationId") else {}
        made = self.client.create_nat_gateway(
            SubnetId=inputs["subnetId"],
            ConnectivityType=inputs["connectivityType"],
            **request,
            **self.tag_specifications(inputs),
        )["NatGateway"]
        gateway_id = str(made["NatGatewayId"])
        self.call.made(gateway_id)
        if made.get("State") != "available":
            self.await_state(f"NAT gateway {gateway_id}", lambda: self._state(gateway_id), "available")
        return gateway_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self._find(resource_id)
        if found is None or found["State"] == "deleted":
            return None
        addresses = found.get("NatGatewayAddresses", [])
        first = next((item for item in addresses if item.get("IsPrimary")), addresses[0] if addresses else {})
        return {
            "id": resource_id,
            "subnetId": found["SubnetId"],
            "vpcId": found.get("VpcId"),
            "connectivityType": found["ConnectivityType"],
            "availabilityMode": found.get("AvailabilityMode"),
            "allocationId": first.get("AllocationId"),
            "associationId": first.get("AssociationId"),
            "networkInterfaceId": first.get("NetworkInterfaceId"),
            "privateIp": first.get("PrivateIp"),
            "publicIp": first.get("PublicIp"),
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        if self.tolerate(lambda: self.client.delete_nat_gateway(NatGatewayId=resource_id)) is not None:
            self.await_state(f"NAT gateway {resource_id}", lambda: self._state(resource_id), "deleted")

    def _find(self, gateway_id: str) -> dict[str, Any] | None:
        return self.one("describe_nat_gateways", "NatGateways", NatGatewayIds=[gateway_id])

    def _state(self, gateway_id: str) -> tuple[str, str]:
        found = self._find(gateway_id) or {}
        return str(found.get("State", "deleted")), str(found.get("FailureMessage", ""))


KINDS: Final = (InternetGateway, Eip, NatGateway)
