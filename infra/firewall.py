"""The security groups: who may reach what inside the site's network."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from infra.component import Component
from infra.network import ANYWHERE
from infra.sites import Site

POSTGRESQL = 5432
HTTPS = 443


@dataclass(frozen=True)
class FirewallArgs:
    site: Site
    vpc_id: pulumi.Input[str]


class Firewall(Component):
    """Three groups. Nothing is open to the internet; the database answers the application and calls nobody.

    Rules are resources of their own: inline rules are authoritative and would remove what later steps add.
    The replication between the regions runs over AWS's own network and needs no rule.
    """

    application: ec2.SecurityGroup
    database: ec2.SecurityGroup
    endpoints: ec2.SecurityGroup

    def __init__(self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.application = self._group("application", "The partner API, the portal and their jobs")
        self.database = self._group("database", "The site's database instance")
        self.endpoints = self._group("endpoints", "The interface endpoints of AWS services")
        self._allow("application-to-database", self.application, self.database, POSTGRESQL)
        self._allow("application-to-endpoints", self.application, self.endpoints, HTTPS)
        # Partners' systems, the payment provider, the paging service and the S3 gateway endpoint, all of them HTTPS.
        vpc.SecurityGroupEgressRule(
            "application-to-https",
            security_group_id=self.application.id,
            description="HTTPS to partners and services outside",
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            cidr_ipv4=ANYWHERE,
            opts=self.child(),
        )
        self.register_outputs({})

    def _group(self, name: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            f"{self._args.site}-{name}", vpc_id=self._args.vpc_id, description=description, opts=self.child()
        )

    def _allow(self, name: str, source: ec2.SecurityGroup, target: ec2.SecurityGroup, port: int) -> None:
        """Both halves of one permission: out of the source, into the target."""
        vpc.SecurityGroupEgressRule(
            name,
            security_group_id=source.id,
            description=f"{name.replace('-', ' ')}, port {port}",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=target.id,
            opts=self.child(),
        )
        vpc.SecurityGroupIngressRule(
            name,
            security_group_id=target.id,
            description=f"{name.replace('-', ' ')}, port {port}",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=source.id,
            opts=self.child(),
        )
