"""EC2 keeps what it was told, refuses what AWS refuses, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str, str], Any]


@pytest.fixture
def ec2(client: Client) -> Any:
    return client("ec2", "us-west-2")


@pytest.fixture
def vpc(ec2: Any) -> str:
    return str(ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"])


def _group(ec2: Any, vpc: str, name: str) -> str:
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])


def _rule(ec2: Any, rule_id: str) -> dict[str, Any]:
    return dict(ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])["SecurityGroupRules"][0])


def _code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_rule_between_groups_keeps_its_description_and_a_change_of_it(ec2: Any, vpc: str) -> None:
    group, peer = _group(ec2, vpc, "group"), _group(ec2, vpc, "peer")
    pair = {"GroupId": peer, "Description": "from the application"}
    made = ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [pair]}],
    )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    assert _rule(ec2, made)["Description"] == "from the application"
    changed = {
        "IpProtocol": "tcp",
        "FromPort": 5433,
        "ToPort": 5433,
        "ReferencedGroupId": group,
        "Description": "from itself",
    }
    ec2.modify_security_group_rules(
        GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": made, "SecurityGroupRule": changed}]
    )
    now = _rule(ec2, made)
    assert (now["Description"], now["FromPort"]) == ("from itself", 5433)
    assert now["ReferencedGroupInfo"]["GroupId"] == group


def test_a_rule_is_the_same_rule_whatever_its_description(ec2: Any, vpc: str) -> None:
    group = _group(ec2, vpc, "group")
    for description in ("one", "two"):
        wanted = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
        wanted[0]["IpRanges"][0]["Description"] = description  # type: ignore[index]
        if description == "one":
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=wanted)
            continue
        with pytest.raises(ClientError) as caught:
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=wanted)
        assert _code(caught) == "InvalidPermission.Duplicate"


def test_a_vpc_with_something_in_it_is_not_deleted(ec2: Any, vpc: str) -> None:
    group = _group(ec2, vpc, "group")
    with pytest.raises(ClientError) as caught:
        ec2.delete_vpc(VpcId=vpc)
    assert _code(caught) == "DependencyViolation"
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    assert acls == []


def test_a_nat_gateway_leaves_no_network_interface_behind(ec2: Any, vpc: str) -> None:
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    assert ec2.describe_network_interfaces(Filters=inside)["NetworkInterfaces"]
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    assert ec2.describe_network_interfaces(Filters=inside)["NetworkInterfaces"] == []
    ec2.release_address(AllocationId=address)


def test_a_subnet_has_one_route_table(ec2: Any, vpc: str) -> None:
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.2.0/24")["Subnet"]["SubnetId"]
    first, second = (ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2))
    ec2.associate_route_table(RouteTableId=first, SubnetId=subnet)
    with pytest.raises(ClientError) as caught:
        ec2.associate_route_table(RouteTableId=second, SubnetId=subnet)
    assert _code(caught) == "Resource.AlreadyAssociated"


def test_a_nat_gateway_that_is_not_there_is_named(ec2: Any) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.delete_nat_gateway(NatGatewayId="nat-00000000000000000")
    assert _code(caught) == "NatGatewayNotFound"
