"""Security groups and their rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.provider.services.ec2 import Vpc
from sandbox.provider.services.ec2_security import (
    SecurityGroup,
    SecurityGroupEgressRule,
    SecurityGroupIngressRule,
)
from tests.unit.provider.program import Program, Refused, cloud
from tests.unit.provider.west import WEST, gone, made

HTTPS = {"protocol": "tcp", "fromPort": 443, "toPort": 443}
EVERYTHING = {"protocol": "-1", "fromPort": 0, "toPort": 0}


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with cloud():
        yield


@pytest.fixture
def vpc_id(aws: None) -> str:
    return made(Vpc, cidrBlock="10.0.0.0/16").id


def live(group: Program) -> dict[str, Any]:
    (found,) = group.client("ec2").describe_security_groups(GroupIds=[group.id])["SecurityGroups"]
    return dict(found)


# -- groups


def test_a_new_group_lets_nothing_in_and_nothing_out(vpc_id: str) -> None:
    group = made(SecurityGroup, vpcId=vpc_id, description="the databases", tags={"site": "secondary"})
    assert live(group)["IpPermissionsEgress"] == []
    assert group.state["name"].startswith("thing-")
    assert group.state["arn"].endswith(f":security-group/{group.id}")


def test_a_new_group_of_an_ipv6_network_lets_nothing_out_either() -> None:
    network = made(Vpc, cidrBlock="10.0.0.0/16", assignGeneratedIpv6CidrBlock=True)
    assert live(made(SecurityGroup, vpcId=network.id))["IpPermissionsEgress"] == []


def test_inline_rules_are_all_that_a_group_has(vpc_id: str) -> None:
    group = made(
        SecurityGroup,
        vpcId=vpc_id,
        ingress=[{**HTTPS, "cidrBlocks": ["10.0.0.0/8", "192.168.0.0/16"], "description": "inside"}],
        egress=[{**EVERYTHING, "cidrBlocks": ["0.0.0.0/0"], "self": True}],
    )
    rules = [{**HTTPS, "cidrBlocks": ["192.168.0.0/16"], "description": "inside"}, {**HTTPS, "self": True}]
    group.up(vpcId=vpc_id, ingress=rules, egress=[])
    (https,) = live(group)["IpPermissions"]
    assert [item["CidrIp"] for item in https["IpRanges"]] == ["192.168.0.0/16"]
    assert [item["GroupId"] for item in https["UserIdGroupPairs"]] == [group.id]
    assert live(group)["IpPermissionsEgress"] == []


def test_rules_that_are_bundled_in_another_way_are_the_same_rules(vpc_id: str) -> None:
    bundled = [{**HTTPS, "cidrBlocks": ["10.0.0.0/8", "192.168.0.0/16"]}]
    single = [{**HTTPS, "cidrBlocks": ["192.168.0.0/16"]}, {**HTTPS, "protocol": "TCP", "cidrBlocks": ["10.0.0.0/8"]}]
    assert made(SecurityGroup, vpcId=vpc_id, ingress=bundled).plan(vpcId=vpc_id, ingress=single).changes == ()


def test_a_rule_that_somebody_added_is_seen_by_a_group_with_inline_rules_only(vpc_id: str) -> None:
    inline = made(SecurityGroup, vpcId=vpc_id, name="inline", ingress=[{**HTTPS, "cidrBlocks": ["10.0.0.0/8"]}])
    plain = made(SecurityGroup, vpcId=vpc_id, name="plain")
    for group in (inline, plain):
        group.client("ec2").authorize_security_group_ingress(
            GroupId=group.id, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        )
        group.refresh()
    wanted = {"vpcId": vpc_id, "name": "inline", "ingress": [{**HTTPS, "cidrBlocks": ["10.0.0.0/8"]}]}
    assert inline.plan(**wanted).changed == {"ingress"}
    inline.up(**wanted)
    assert len(live(inline)["IpPermissions"]) == 1
    assert plain.plan(vpcId=vpc_id, name="plain").changes == ()


def test_an_inline_rule_with_a_word_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Refused, match="cidrBlock"):
        Program(SecurityGroup).checked(vpcId="vpc-1", ingress=[{**HTTPS, "cidrBlock": ["10.0.0.0/8"]}])
    with pytest.raises(Refused, match="toPort"):
        Program(SecurityGroup).checked(vpcId="vpc-1", egress=[{"protocol": "tcp", "fromPort": 443}])


def test_another_description_is_another_group(vpc_id: str) -> None:
    assert made(SecurityGroup, vpcId=vpc_id, description="one").plan(vpcId=vpc_id, description="two").replace


def test_a_group_takes_the_rules_that_point_to_it_with_it_when_asked(vpc_id: str) -> None:
    target = made(SecurityGroup, vpcId=vpc_id, name="target", revokeRulesOnDelete=True)
    other = made(SecurityGroup, vpcId=vpc_id, name="other")
    for peer in ({"cidrIpv4": "10.0.0.0/8"}, {"referencedSecurityGroupId": target.id}):
        made(SecurityGroupIngressRule, securityGroupId=other.id, ipProtocol="-1", **peer)
    assert gone(target)
    (left,) = live(other)["IpPermissions"]
    assert (len(left["IpRanges"]), left["UserIdGroupPairs"]) == (1, [])


# -- rules


def rule(group_id: str, **inputs: Any) -> dict[str, Any]:
    return {"securityGroupId": group_id, "ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, **inputs}


def test_a_rule_in_changes_in_place_and_keeps_its_id(vpc_id: str) -> None:
    group = made(SecurityGroup, vpcId=vpc_id)
    inputs = rule(group.id, cidrIpv4="10.0.0.0/16", description="the application", tags={"site": "secondary"})
    one = made(SecurityGroupIngressRule, **inputs)
    first = one.id
    one.up(**{**inputs, "cidrIpv4": "10.1.0.0/16", "toPort": 5433, "description": "the application's jobs"})
    assert one.id == first
    (permission,) = live(group)["IpPermissions"]
    assert (permission["FromPort"], permission["ToPort"]) == (5432, 5433)
    assert permission["IpRanges"] == [{"CidrIp": "10.1.0.0/16", "Description": "the application's jobs"}]
    assert gone(one)
    assert live(group)["IpPermissions"] == []


def test_another_kind_of_peer_is_another_rule(vpc_id: str) -> None:
    group = made(SecurityGroup, vpcId=vpc_id)
    one = made(SecurityGroupIngressRule, **rule(group.id, cidrIpv4="10.0.0.0/16"))
    assert one.plan(**rule(group.id, referencedSecurityGroupId=group.id)).replace
    assert not one.plan(**rule(group.id, cidrIpv4="10.1.0.0/16")).replace
    assert one.plan(**rule("sg-2", cidrIpv4="10.0.0.0/16")).replace


def test_a_rule_out_for_everything_needs_no_ports(vpc_id: str) -> None:
    group = made(SecurityGroup, vpcId=vpc_id)
    inputs = {"securityGroupId": group.id, "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}
    out = made(SecurityGroupEgressRule, **inputs)
    assert "fromPort" not in out.state
    assert out.plan(**inputs, fromPort=-1, toPort=-1).changed == {"fromPort", "toPort"}
    assert len(live(group)["IpPermissionsEgress"]) == 1
    out.up(**inputs, description="everywhere")
    assert live(group)["IpPermissionsEgress"][0]["IpRanges"][0]["Description"] == "everywhere"


def test_ports_of_minus_one_stay_as_they_were_written(vpc_id: str) -> None:
    group = made(SecurityGroup, vpcId=vpc_id)
    every = {"ipProtocol": "-1", "fromPort": -1, "toPort": -1, "cidrIpv4": "0.0.0.0/0"}
    made(SecurityGroupEgressRule, securityGroupId=group.id, **every)


def test_a_rule_reaches_aws_with_the_group_that_it_names_and_its_description(vpc_id: str) -> None:
    source, target = made(SecurityGroup, vpcId=vpc_id, name="a"), made(SecurityGroup, vpcId=vpc_id, name="b")
    Program(SecurityGroupIngressRule, region=WEST).up(
        **rule(target.id, referencedSecurityGroupId=source.id, description="the application")
    )
    (pair,) = live(target)["IpPermissions"][0]["UserIdGroupPairs"]
    assert (pair["GroupId"], pair["Description"]) == (source.id, "the application")


def test_a_rule_for_a_group_is_no_difference_afterwards(vpc_id: str) -> None:
    group = made(SecurityGroup, vpcId=vpc_id)
    made(SecurityGroupIngressRule, **rule(group.id, referencedSecurityGroupId=group.id))


def test_a_protocol_by_number_or_in_capitals_is_the_same_protocol(vpc_id: str) -> None:
    group = made(SecurityGroup, vpcId=vpc_id)
    made(SecurityGroupIngressRule, **rule(group.id, ipProtocol="TCP", cidrIpv6="2001:DB8::/32"))
    made(SecurityGroupIngressRule, **rule(group.id, ipProtocol="6", cidrIpv4="10.0.0.0/8"))


def test_a_rule_that_somebody_took_away_is_gone_and_one_of_the_other_way_is_not_adopted(vpc_id: str) -> None:
    group = made(SecurityGroup, vpcId=vpc_id)
    one = made(SecurityGroupIngressRule, **rule(group.id, cidrIpv4="10.0.0.0/16"))
    assert Program(SecurityGroupEgressRule, region=WEST).imported(one.id) == {}
    one.client("ec2").revoke_security_group_ingress(GroupId=group.id, SecurityGroupRuleIds=[one.id])
    one.refresh()
    assert one.id == ""


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"ipProtocol": "tcp", "cidrIpv4": "10.0.0.0/8"}, "fromPort"),
        ({"ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8", "fromPort": 0, "toPort": 0}, "left out"),
        ({"ipProtocol": "-1"}, "must be specified"),
        ({"ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8", "cidrIpv6": "::/0"}, "only one of"),
        ({"ipProtocol": "-1", "cidrIpv4": "10.0.0.1/8"}, "network address"),
    ],
)
def test_a_rule_that_aws_would_keep_otherwise_is_refused(inputs: dict[str, Any], word: str) -> None:
    with pytest.raises(Refused, match=word):
        Program(SecurityGroupIngressRule).checked(securityGroupId="sg-1", **inputs)
