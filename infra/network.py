"""The site's network: a VPC over its zones, with public, private and database subnets and their routes."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

from infra.address_plan import AddressPlan
from infra.component import Component

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class NetworkArgs:
    plan: AddressPlan
    region: str


class Network(Component):
    """Each zone has its own NAT gateway and private route table, so that one lost zone takes no other's way out.

    The database subnets have no route out of the network at all.
    """

    vpc_id: pulumi.Output[str]
    account_id: pulumi.Output[str]
    """The AWS account, read off the VPC: no look-up call that could fail, no account number in the configuration."""
    zones: tuple[str, ...]
    public_subnet_ids: tuple[pulumi.Output[str], ...]
    private_subnet_ids: tuple[pulumi.Output[str], ...]
    database_subnet_ids: tuple[pulumi.Output[str], ...]
    private_route_table_ids: tuple[pulumi.Output[str], ...]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        # Zone letters are derived, not looked up: both regions have had a, b and c for every account for years, and a
        # look-up whose answer grows would move subnets.
        self.zones = tuple(f"{args.region}{letter}" for letter in "abc"[: len(args.plan.private)])
        self._vpc = ec2.Vpc(
            "vpc",
            cidr_block=str(args.plan.network),
            enable_dns_support=True,
            enable_dns_hostnames=True,  # private DNS names of the interface endpoints need it
            opts=self.child(),
        )
        self.vpc_id = self._vpc.id
        self.account_id = self._vpc.owner_id
        public = self._subnets("public", args.plan.public)
        private = self._subnets("private", args.plan.private)
        database = self._subnets("database", args.plan.database)
        self.public_subnet_ids = tuple(subnet.id for subnet in public)
        self.private_subnet_ids = tuple(subnet.id for subnet in private)
        self.database_subnet_ids = tuple(subnet.id for subnet in database)

        gateway = ec2.InternetGateway("internet", vpc_id=self._vpc.id, opts=self.child())
        public_table = self._route_table("public", public)
        public_route = ec2.Route(
            "public-internet",
            route_table_id=public_table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=self.child(),
        )
        private_tables = [
            self._private_way_out(zone, outside, inside, public_route)
            for zone, outside, inside in zip("abc", public, private, strict=False)
        ]
        self._route_table("database", database)
        self.private_route_table_ids = tuple(table.id for table in private_tables)
        self.register_outputs({"vpcId": self.vpc_id})

    def _subnets(self, tier: str, ranges: tuple[object, ...]) -> list[ec2.Subnet]:
        return [
            ec2.Subnet(
                f"{tier}-{zone[-1]}",
                vpc_id=self._vpc.id,
                cidr_block=str(cidr),
                availability_zone=zone,
                map_public_ip_on_launch=False,  # only NAT gateways and load balancers live there, with their own
                opts=self.child(),
            )
            for zone, cidr in zip(self.zones, ranges, strict=True)
        ]

    def _route_table(self, name: str, subnets: list[ec2.Subnet]) -> ec2.RouteTable:
        table = ec2.RouteTable(name, vpc_id=self._vpc.id, opts=self.child())
        for zone, subnet in zip(self.zones, subnets, strict=False):
            suffix = f"-{zone[-1]}" if len(subnets) > 1 else ""
            ec2.RouteTableAssociation(
                f"{name}{suffix}", route_table_id=table.id, subnet_id=subnet.id, opts=self.child()
            )
        return table

    def _private_way_out(
        self, zone: str, outside: ec2.Subnet, inside: ec2.Subnet, public_route: ec2.Route
    ) -> ec2.RouteTable:
        address = ec2.Eip(f"nat-{zone}", domain="vpc", opts=self.child())
        nat = ec2.NatGateway(
            f"nat-{zone}",
            subnet_id=outside.id,
            allocation_id=address.id,
            connectivity_type="public",
            opts=self.child(depends_on=[public_route]),  # it needs the internet gateway to become available
        )
        table = self._route_table(f"private-{zone}", [inside])
        ec2.Route(
            f"private-{zone}-nat",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            nat_gateway_id=nat.id,
            opts=self.child(),
        )
        return table
