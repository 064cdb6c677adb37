"""The site's encryption key."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import kms

from infra.component import Component
from infra.policies import Statement, document
from infra.sites import Site

SHORTEST_DELETION_WINDOW = 7
LONGEST_DELETION_WINDOW = 30
"""Days (AWS KMS developer guide, "Delete an AWS KMS key")."""


@dataclass(frozen=True)
class KeysArgs:
    site: Site
    region: str
    account_id: pulumi.Input[str]
    disposable: bool


class Keys(Component):
    """One customer-managed key a site, rotated every year.

    The regions share no key: a copy that goes to the other region is encrypted anew with that region's key, so that
    a lost region takes no key away that the other one needs.
    """

    arn: pulumi.Output[str]
    alias: pulumi.Output[str]

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        key = kms.Key(
            "key",
            description=f"Everything the {args.site} site of the Goliath Partner System stores",
            enable_key_rotation=True,
            deletion_window_in_days=SHORTEST_DELETION_WINDOW if args.disposable else LONGEST_DELETION_WINDOW,
            policy=_policy(args),
            opts=self.child(protect=not args.disposable),
        )
        alias = kms.Alias(
            "alias", name=f"alias/goliath-partner-system-{args.site}", target_key_id=key.id, opts=self.child()
        )
        self.arn = key.arn
        self.alias = alias.name
        self.register_outputs({"arn": self.arn})


def _policy(args: KeysArgs) -> pulumi.Output[str]:
    account = pulumi.Output.from_input(args.account_id)
    return document(
        # The statement AWS advises ("Default key policy"): it gives nobody anything by itself, but lets IAM policies
        # decide. Without it a key can be locked for good. RDS, S3 and Secrets Manager use the key in the name of
        # their callers, by grants and IAM policies, so they need no statement here.
        Statement(
            sid="IamPoliciesDecide",
            actions=["kms:*"],
            resources=["*"],  # in a key policy, "*" is this key
            principal={"AWS": account.apply(lambda number: f"arn:aws:iam::{number}:root")},
        ),
        # CloudWatch Logs encrypts in its own name ("Encrypt log data in CloudWatch Logs using AWS KMS").
        Statement(
            sid="LogGroupsOfThisSite",
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            resources=["*"],
            principal={"Service": f"logs.{args.region}.amazonaws.com"},
            conditions={
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": account.apply(
                        lambda number: f"arn:aws:logs:{args.region}:{number}:log-group:*"
                    )
                }
            },
        ),
    )
