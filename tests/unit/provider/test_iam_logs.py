"""Roles, policies and log groups."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.core.operations import PartialFailure
from sandbox.provider.core.resource import ResourceError
from sandbox.provider.services.iam import Policy, RolePolicy, RolePolicyAttachment
from sandbox.provider.services.iam_role import Role
from sandbox.provider.services.logs import LogGroup
from tests.unit.provider.program import Program, Refused, cloud
from tests.unit.provider.west import WEST, gone, made

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["vpc-flow-logs.amazonaws.com"]}}
        ],
    }
)
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with cloud():
        yield


def role(**inputs: Any) -> Program:
    return made(Role, **{"assumeRolePolicy": TRUST, **inputs})


def attach(to: Program, arn: str) -> Program:
    return made(RolePolicyAttachment, role=to.id, policyArn=arn)


# -- roles


def test_a_role_is_the_same_one_for_both_regions_and_has_its_outputs() -> None:
    one = role(description="writes flow logs", maxSessionDuration=7200, tags={"site": "secondary"})
    assert one.id == one.state["name"]
    assert one.state["arn"] == f"arn:aws:iam::123456789012:role/{one.id}"
    assert one.state["uniqueId"].startswith("AROA")
    assert one.state["createDate"].endswith("Z")
    assert "region" not in one.state
    east = Program(Role, region="us-east-1")
    east.imported(one.id)
    assert east.state["description"] == "writes flow logs"


def test_a_role_keeps_the_programs_words_where_they_mean_what_aws_says() -> None:
    spaced = json.dumps(json.loads(TRUST), indent=4)
    assert role(assumeRolePolicy=spaced).state["assumeRolePolicy"] == spaced


def test_a_role_changes_in_place_and_its_path_does_not() -> None:
    one = role(description="one", tags={"a": "b"})
    other = TRUST.replace("vpc-flow-logs", "s3")
    wanted = {"assumeRolePolicy": other, "description": "two", "maxSessionDuration": 7200, "tags": {"c": "d"}}
    one.up(**wanted)
    live = one.client("iam").get_role(RoleName=one.id)["Role"]
    assert live["AssumeRolePolicyDocument"] == json.loads(other)
    assert (live["Description"], live["MaxSessionDuration"]) == ("two", 7200)
    assert live["Tags"] == [{"Key": "c", "Value": "d"}]
    assert one.plan(**wanted, path="/other/").replace


def test_a_boundary_is_put_and_taken_away() -> None:
    boundary = made(Policy, policy=policy("s3:*")).id
    one = role(permissionsBoundary=boundary)
    assert one.state["permissionsBoundary"] == boundary
    one.up(assumeRolePolicy=TRUST)
    assert "permissionsBoundary" not in one.state
    one.up(assumeRolePolicy=TRUST, permissionsBoundary=boundary)
    assert one.state["permissionsBoundary"] == boundary


def test_policies_of_other_resources_are_no_difference_of_the_role() -> None:
    one = role()
    made(RolePolicy, role=one.id, policy=policy("logs:PutLogEvents"))
    attach(one, made(Policy, policy=policy("s3:*")).id)
    one.refresh()
    assert one.plan(assumeRolePolicy=TRUST).changes == ()


def test_policies_inside_a_role_are_all_that_it_has() -> None:
    managed = made(Policy, policy=policy("s3:*")).id
    inline = [{"name": "a", "policy": policy("logs:*")}, {"name": "b", "policy": policy("ec2:*")}]
    one = role(inlinePolicies=inline[::-1], managedPolicyArns=[managed])
    iam = one.client("iam")
    iam.put_role_policy(RoleName=one.id, PolicyName="by-hand", PolicyDocument=policy("*:*"))
    one.refresh()
    assert one.plan(assumeRolePolicy=TRUST, inlinePolicies=inline, managedPolicyArns=[managed]).changed == {
        "inlinePolicies"
    }
    one.up(
        assumeRolePolicy=TRUST,
        inlinePolicies=[{"name": "a", "policy": policy("logs:PutLogEvents")}],
        managedPolicyArns=[],
    )
    assert iam.list_role_policies(RoleName=one.id)["PolicyNames"] == ["a"]
    assert one.state["managedPolicyArns"] == []


def test_a_role_with_policies_of_its_own_goes_with_them() -> None:
    one = role(inlinePolicies=[{"name": "a", "policy": policy("logs:*")}])
    assert gone(one)


def test_a_role_that_others_gave_policies_stays_unless_it_is_forced() -> None:
    managed = made(Policy, policy=policy("s3:*")).id
    kept, forced = (Program(Role, name, timeout=0.3) for name in ("kept", "forced"))
    kept.up(assumeRolePolicy=TRUST)
    forced.up(assumeRolePolicy=TRUST, forceDetachPolicies=True)
    for one in (kept, forced):
        attach(one, managed)
    with pytest.raises(ClientError, match="DeleteConflict"):
        kept.destroy()
    assert gone(forced)


def test_a_flag_that_only_a_deletion_reads_is_changed_without_a_call() -> None:
    one = role()
    one.up(assumeRolePolicy=TRUST, forceDetachPolicies=True)
    assert one.state["forceDetachPolicies"] is True


def test_a_role_whose_policy_is_refused_is_kept_and_finished_by_the_next_update() -> None:
    wanted = [{"name": "a", "policy": json.dumps({"Version": "2012-10-17"})}]
    one = Program(Role)
    with pytest.raises(PartialFailure) as failure:
        one.up(assumeRolePolicy=TRUST, inlinePolicies=wanted)
    one.id, one.state, one.inputs = failure.value.resource_id, failure.value.state, failure.value.inputs
    one.up(assumeRolePolicy=TRUST, inlinePolicies=[{"name": "a", "policy": policy("logs:*")}])
    assert [item["name"] for item in one.state["inlinePolicies"]] == ["a"]


# -- policies


def test_an_inline_policy_is_replaced_with_its_name_and_updated_with_its_text() -> None:
    one = role()
    inline = made(RolePolicy, role=one.id, name="logs", policy=policy("logs:PutLogEvents"))
    assert inline.id == f"{one.id}:logs"
    inline.up(role=one.id, name="logs", policy=policy("logs:*"))
    live = one.client("iam").get_role_policy(RoleName=one.id, PolicyName="logs")
    assert live["PolicyDocument"] == json.loads(policy("logs:*"))
    assert inline.plan(role=one.id, name="other", policy=policy("logs:*")).replace
    assert gone(inline)


def test_an_inline_policy_that_somebody_changed_is_seen() -> None:
    one = role()
    inputs = {"role": one.id, "name": "logs", "policy": policy("logs:PutLogEvents")}
    inline = made(RolePolicy, **inputs)
    one.client("iam").put_role_policy(RoleName=one.id, PolicyName="logs", PolicyDocument=policy("*:*"))
    inline.refresh()
    assert inline.plan(**inputs).changed == {"policy"}


def test_an_attachment_is_found_by_role_and_policy_and_gone_when_it_is_detached() -> None:
    one, managed = role(), made(Policy, policy=policy("s3:*")).id
    attached = attach(one, managed)
    assert attached.id == f"{one.id}/{managed}"
    adopted = Program(RolePolicyAttachment)
    adopted.imported(attached.id)
    assert adopted.plan(role=one.id, policyArn=managed).changes == ()
    one.client("iam").detach_role_policy(RoleName=one.id, PolicyArn=managed)
    attached.refresh()
    assert attached.id == ""
    with pytest.raises(ResourceError, match="ROLE/POLICY"):
        adopted.imported("role-only")


def test_a_policy_that_aws_manages_may_be_attached() -> None:
    assert Program(RolePolicyAttachment).checked(role="a", policyArn=READ_ONLY)["policyArn"] == READ_ONLY
    with pytest.raises(Refused, match="ARN"):
        Program(RolePolicyAttachment).checked(role="a", policyArn="ReadOnlyAccess")


def test_a_managed_policy_changes_more_often_than_it_may_have_versions() -> None:
    one = made(Policy, policy=policy("s3:Get*"), tags={"a": "b"})
    for number in range(7):
        one.up(policy=policy(f"s3:Get{number}"), tags={"a": str(number)})
    assert json.loads(one.state["policy"])["Statement"][0]["Action"] == ["s3:Get6"]
    versions = one.client("iam").list_policy_versions(PolicyArn=one.id)["Versions"]
    assert len(versions) == 5
    assert one.plan(policy=policy("s3:Get6"), tags={"a": "6"}, description="new").replace
    assert gone(one)


# -- log groups


def test_a_log_group_lies_in_its_region_and_keeps_what_it_is_told_to_keep() -> None:
    key = "arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    group = made(LogGroup, name="/goliath/flows", retentionInDays=30, kmsKeyId=key, tags={"site": "secondary"})
    assert group.state["arn"] == "arn:aws:logs:us-west-2:123456789012:log-group:/goliath/flows"
    assert group.state["kmsKeyId"] == key
    group.up(name="/goliath/flows", kmsKeyId=key, tags={"site": "tertiary"})
    (live,) = group.client("logs").describe_log_groups(logGroupNamePrefix="/goliath/flows")["logGroups"]
    assert "retentionInDays" not in live
    assert group.state["tags"] == {"site": "tertiary"}
    assert gone(group)


def test_a_log_group_is_not_taken_for_one_whose_name_goes_on() -> None:
    made(LogGroup, name="/goliath/flows-2")
    group = made(LogGroup, name="/goliath/flows", retentionInDays=7)
    group.client("logs").delete_log_group(logGroupName="/goliath/flows")
    group.refresh()
    assert group.id == ""


def test_a_retention_that_somebody_changed_is_seen() -> None:
    group = made(LogGroup, name="/goliath/flows", retentionInDays=30)
    group.client("logs").put_retention_policy(logGroupName="/goliath/flows", retentionInDays=1)
    group.refresh()
    assert group.plan(name="/goliath/flows", retentionInDays=30).changed == {"retentionInDays"}


def test_a_log_group_that_is_to_stay_stays() -> None:
    group = made(LogGroup, name="/goliath/flows", skipDestroy=True)
    group.destroy()
    group.refresh()
    assert group.id == "/goliath/flows"


def test_a_log_group_is_adopted_and_its_name_makes_another() -> None:
    made(LogGroup, name="/goliath/flows", retentionInDays=30)
    adopted = Program(LogGroup, region=WEST)
    adopted.imported("/goliath/flows")
    assert adopted.plan(name="/goliath/flows", retentionInDays=30).changes == ()
    assert adopted.plan(name="/goliath/other", retentionInDays=30).replace


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"retentionInDays": 31}, "31"),
        ({"logGroupClass": "INFREQUENT_ACCESS"}, "INFREQUENT_ACCESS"),
        ({"deletionProtectionEnabled": True}, "not supported"),
        ({"kmsKeyId": "alias/site"}, "ARN"),
    ],
)
def test_a_log_group_that_cannot_be_is_refused(inputs: dict[str, Any], word: str) -> None:
    with pytest.raises(Refused, match=word):
        Program(LogGroup).checked(name="/goliath/flows", **inputs)
