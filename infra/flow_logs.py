"""A record of every connection in the site's network, kept under the site's key."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, ec2, iam

from infra.component import Component
from infra.policies import Statement, document, trust
from infra.sites import Site


@dataclass(frozen=True)
class FlowLogsArgs:
    site: Site
    region: str
    account_id: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    retention_days: int


class FlowLogs(Component):
    def __init__(self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        group = cloudwatch.LogGroup(
            "flow-logs",
            name=f"/goliath-partner-system/{args.site}/flow-logs",
            retention_in_days=args.retention_days,
            kms_key_id=args.key_arn,
            opts=self.child(),
        )
        account = pulumi.Output.from_input(args.account_id)
        role = iam.Role(
            f"{args.site}-flow-logs",
            description=f"Writes the flow logs of the {args.site} site's network",
            assume_role_policy=trust(
                "vpc-flow-logs.amazonaws.com",
                args.account_id,
                account.apply(lambda number: f"arn:aws:ec2:{args.region}:{number}:vpc-flow-log/*"),
            ),
            opts=self.child(),
        )
        policy = iam.RolePolicy(
            f"{args.site}-flow-logs",
            role=role.id,
            policy=document(
                Statement(
                    sid="WriteOneGroup",
                    actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    resources=[group.arn, group.arn.apply(lambda arn: f"{arn}:*")],
                ),
                Statement(
                    sid="FindTheGroup",
                    actions=["logs:DescribeLogGroups"],
                    resources=[account.apply(lambda number: f"arn:aws:logs:{args.region}:{number}:log-group:*")],
                ),
            ),
            opts=self.child(),
        )
        ec2.FlowLog(
            "flow-logs",
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,  # seconds: after an incident, ten minutes are too coarse
            opts=self.child(depends_on=[policy]),
        )
        self.register_outputs({})
