"""IAM, KMS and bucket policies as typed statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

Text = pulumi.Input[str]
Conditions = Mapping[str, Mapping[str, Text | Sequence[Text]]]


@dataclass(frozen=True)
class Statement:
    """One statement of a policy. ``principal`` is left out in the policies of roles."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[Text] = ()
    principal: Mapping[str, Text] | str | None = None
    conditions: Conditions = field(default_factory=dict)
    allow: bool = True


def document(*statements: Statement) -> pulumi.Output[str]:
    """The policy's JSON. Order and spelling are stable, so that an unchanged policy is no difference."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [_render(each) for each in statements]})


def trust(service: str, account_id: Text | None = None, source_arn: Text | None = None) -> pulumi.Output[str]:
    """Who may assume a role: one AWS service, on behalf of this account only (the "confused deputy" condition).

    Without ``account_id`` for a service that is not documented to name the account when it assumes the role: the
    condition would then shut the service itself out.
    """
    conditions: dict[str, Mapping[str, Text | Sequence[Text]]] = {}
    if account_id is not None:
        conditions["StringEquals"] = {"aws:SourceAccount": account_id}
    if source_arn is not None:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    return document(
        Statement(
            sid="ServiceMayAssume",
            actions=["sts:AssumeRole"],
            principal={"Service": service},
            conditions=conditions,
        )
    )


def _render(statement: Statement) -> Mapping[str, object]:
    rendered: dict[str, object] = {
        "Sid": statement.sid,
        "Effect": "Allow" if statement.allow else "Deny",
        "Action": list(statement.actions),
    }
    if statement.principal is not None:
        rendered["Principal"] = statement.principal
    if statement.resources:
        rendered["Resource"] = list(statement.resources)
    if statement.conditions:
        rendered["Condition"] = statement.conditions
    return rendered
