"""Private ways to the AWS services that a recovery calls, so that a standby recovers without the internet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

from infra.component import Component

INTERFACE_SERVICES = {
    # Each costs an hourly price for every zone, so each says what fails without it.
    "rds": "jobs read the instance's state and the replica's position, and take snapshots",
    "secretsmanager": "the application and the jobs read the database password",
    "kms": "everything that is encrypted with the site's key",
    "sts": "every job's and pod's own credentials",
    "eks": "nodes join the cluster",
    "eks-auth": "pod identity: without it no pod gets credentials",
    "ec2": "the network plugin gives pods their addresses: without it a scaled-up standby has no Ready node",
    "ecr.api": "nodes may pull images",
    "ecr.dkr": "nodes pull images (the layers come through the S3 gateway)",
    "elasticloadbalancing": "the load balancer learns the new pods",
    "logs": "what a recovery did is in the logs",
    "monitoring": "the watchers put the metrics that raise the alarms",
}
# Not here: autoscaling (node groups are scaled through eks), sns (CloudWatch sends alarms itself), route53 and iam
# (global, and a failover makes no call to either).


@dataclass(frozen=True)
class EndpointsArgs:
    region: str
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    route_table_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]


class Endpoints(Component):
    """S3 through a gateway (free, by route), the others through an interface in every private subnet."""

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        ec2.VpcEndpoint(
            "s3",
            vpc_id=args.vpc_id,
            service_name=f"com.amazonaws.{args.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=list(args.route_table_ids),
            opts=self.child(),
        )
        for service in INTERFACE_SERVICES:
            ec2.VpcEndpoint(
                service.replace(".", "-"),
                vpc_id=args.vpc_id,
                service_name=f"com.amazonaws.{args.region}.{service}",
                vpc_endpoint_type="Interface",
                subnet_ids=list(args.subnet_ids),
                security_group_ids=[args.security_group_id],
                private_dns_enabled=True,
                opts=self.child(),
            )
        self.register_outputs({})
