"""VPC, subnet and the ways out: made as asked, no difference afterwards, drift seen, deleted for good."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.provider.core import operations
from sandbox.provider.core.operations import PartialFailure
from sandbox.provider.core.values import UNKNOWN
from sandbox.provider.services.ec2 import Subnet, Vpc
from sandbox.provider.services.ec2_gateways import Eip, InternetGateway, NatGateway
from tests.unit.provider.program import Program, Refused, cloud
from tests.unit.provider.west import WEST, gone, made


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with cloud():
        yield


def vpc(**inputs: Any) -> Program:
    return made(Vpc, **{"cidrBlock": "10.0.0.0/16", **inputs})


def subnet(of: Program, **inputs: Any) -> Program:
    return made(Subnet, **{"vpcId": of.id, "cidrBlock": "10.0.0.0/20", "availabilityZone": "us-west-2b", **inputs})


# -- VPC


def test_a_vpc_lies_in_its_own_region_with_what_aws_makes_for_it() -> None:
    network = vpc(enableDnsHostnames=True, tags={"site": "secondary"})
    (live,) = network.client("ec2").describe_vpcs(VpcIds=[network.id])["Vpcs"]
    assert live["CidrBlock"] == "10.0.0.0/16"
    assert network.state["arn"] == f"arn:aws:ec2:us-west-2:123456789012:vpc/{network.id}"
    assert network.state["ownerId"] == "123456789012"
    assert network.state["enableDnsHostnames"] is True
    assert network.state["tagsAll"] == {"site": "secondary"}
    assert network.state["defaultSecurityGroupId"].startswith("sg-")
    assert network.state["mainRouteTableId"].startswith("rtb-")
    assert network.state["defaultNetworkAclId"].startswith("acl-")


def test_the_settings_of_a_vpc_change_in_place_and_back() -> None:
    network = vpc(enableDnsHostnames=True)
    network.up(cidrBlock="10.0.0.0/16", enableDnsSupport=False, enableDnsHostnames=False, tags={"a": "b"})
    assert (network.state["enableDnsSupport"], network.state["enableDnsHostnames"]) == (False, False)
    network.up(cidrBlock="10.0.0.0/16", enableDnsHostnames=True)
    assert (network.state["enableDnsSupport"], network.state["enableDnsHostnames"]) == (True, True)
    assert network.state["tags"] == {}


def test_host_names_that_somebody_switched_off_are_seen() -> None:
    network = vpc(enableDnsHostnames=True)
    network.client("ec2").modify_vpc_attribute(VpcId=network.id, EnableDnsHostnames={"Value": False})
    network.refresh()
    assert network.inputs["enableDnsHostnames"] is False
    assert network.plan(cidrBlock="10.0.0.0/16", enableDnsHostnames=True).changed == {"enableDnsHostnames"}


def test_another_range_is_another_vpc_and_shared_hardware_is_no_reason_for_one() -> None:
    assert vpc().plan(cidrBlock="10.1.0.0/16").replace
    dedicated = vpc(instanceTenancy="dedicated")
    assert not dedicated.plan(cidrBlock="10.0.0.0/16").replace
    assert vpc().plan(cidrBlock="10.0.0.0/16", instanceTenancy="dedicated").replace


def test_a_vpc_gets_and_gives_back_its_ipv6_range() -> None:
    network = vpc(assignGeneratedIpv6CidrBlock=True)
    assert ipaddress.ip_network(network.state["ipv6CidrBlock"]).prefixlen == 56
    network.up(cidrBlock="10.0.0.0/16")
    assert "ipv6CidrBlock" not in network.state
    assert network.plan(cidrBlock="10.0.0.0/16").changes == ()


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"cidrBlock": "10.0.0.1/16"}, "10.0.0.0/16"),
        ({"cidrBlock": "ten"}, "CIDR"),
        ({}, "cidrBlock"),
        ({"cidrBlock": "10.0.0.0/16", "ipv4IpamPoolId": "pool"}, "not supported"),
        ({"cidrBlock": "10.0.0.0/16", "instanceTenancy": "shared"}, "shared"),
    ],
)
def test_a_vpc_that_cannot_be_is_refused_before_anything_is_made(inputs: dict[str, Any], word: str) -> None:
    with pytest.raises(Refused, match=word):
        Program(Vpc).up(**inputs)


def test_a_vpc_is_adopted_as_it_is() -> None:
    network = vpc(enableDnsHostnames=True, tags={"site": "secondary"})
    adopted = Program(Vpc, region=WEST)
    adopted.imported(network.id)
    assert adopted.plan(cidrBlock="10.0.0.0/16", enableDnsHostnames=True, tags={"site": "secondary"}).changes == ()


def test_a_vpc_in_use_stays_until_its_time_is_over_and_an_empty_one_goes() -> None:
    network = vpc()
    inside = subnet(network)
    network.timeout = 0.3
    with pytest.raises(Exception, match="DependencyViolation"):
        network.destroy()
    assert gone(inside)
    assert gone(network)


# -- subnet


def test_a_subnet_has_its_zone_and_says_so() -> None:
    inside = subnet(vpc(), tags={"tier": "private"})
    assert inside.state["availabilityZone"] == "us-west-2b"
    assert inside.state["availabilityZoneId"].startswith("usw2-")
    assert inside.state["arn"].endswith(f":subnet/{inside.id}")
    assert inside.state["mapPublicIpOnLaunch"] is False


def test_a_first_subnet_gives_no_public_addresses_unless_asked() -> None:
    # moto's first subnet of a zone does
    ec2 = Program(Vpc, region=WEST).client("ec2")
    for default in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=default["SubnetId"])
    assert subnet(vpc()).state["mapPublicIpOnLaunch"] is False


def test_a_subnets_settings_change_in_place_and_its_place_does_not() -> None:
    network = vpc()
    inside = subnet(network)
    same = {"vpcId": network.id, "cidrBlock": "10.0.0.0/20", "availabilityZone": "us-west-2b"}
    inside.up(**same, mapPublicIpOnLaunch=True, enableResourceNameDnsARecordOnLaunch=True)
    assert inside.state["mapPublicIpOnLaunch"] is True
    assert inside.state["enableResourceNameDnsARecordOnLaunch"] is True
    assert inside.plan(**{**same, "availabilityZone": "us-west-2c"}).replace
    assert inside.plan(**{**same, "cidrBlock": "10.0.16.0/20"}).replace
    assert inside.plan(**{**same, "vpcId": UNKNOWN}).replace


def test_an_ipv6_range_moves_in_place_unless_addresses_come_from_it() -> None:
    network = vpc(assignGeneratedIpv6CidrBlock=True)
    first, second, *_ = ipaddress.ip_network(network.state["ipv6CidrBlock"]).subnets(new_prefix=64)
    same = {"vpcId": network.id, "cidrBlock": "10.0.0.0/20", "availabilityZone": "us-west-2b"}
    inside = subnet(network, ipv6CidrBlock=str(first))
    inside.up(**same, ipv6CidrBlock=str(second))
    assert inside.state["ipv6CidrBlock"] == str(second)
    inside.up(**same, ipv6CidrBlock=str(second), assignIpv6AddressOnCreation=True)
    assert inside.plan(**same, ipv6CidrBlock=str(first), assignIpv6AddressOnCreation=True).replace


def test_a_subnet_option_without_an_implementation_is_refused_and_saying_no_to_it_is_not() -> None:
    with pytest.raises(Refused, match="enableDns64"):
        Program(Subnet).checked(vpcId="vpc-1", cidrBlock="10.0.0.0/20", enableDns64=True)
    Program(Subnet).checked(vpcId="vpc-1", cidrBlock="10.0.0.0/20", enableDns64=False)


# -- the ways out


def test_an_internet_gateway_is_attached_moved_and_detached_before_it_goes() -> None:
    one, two = vpc(), vpc(cidrBlock="10.1.0.0/16")
    gateway = made(InternetGateway, vpcId=one.id, tags={"site": "secondary"})
    assert gateway.state["vpcId"] == one.id
    gateway.up(vpcId=two.id, tags={"site": "secondary"})
    assert gateway.state["vpcId"] == two.id
    assert gateway.plan(tags={"site": "secondary"}).changes == ()
    assert gone(gateway)


def test_a_gateway_whose_attachment_fails_is_kept_in_the_state() -> None:
    program = Program(InternetGateway, region=WEST)
    with pytest.raises(PartialFailure) as failure:
        program.up(vpcId="vpc-12345678")
    assert failure.value.resource_id.startswith("igw-")
    assert failure.value.state["vpcId"] == ""
    # what the next update then sees
    program.id, program.state, program.inputs = failure.value.resource_id, failure.value.state, failure.value.inputs
    network = vpc()
    program.up(vpcId=network.id)
    assert program.state["vpcId"] == network.id


def test_an_address_keeps_its_number_and_has_its_name() -> None:
    address = made(Eip, domain="vpc", tags={"zone": "a"})
    number = address.state["publicIp"]
    assert address.state["publicDns"] == f"ec2-{number.replace('.', '-')}.us-west-2.compute.amazonaws.com"
    address.up(domain="vpc", tags={"zone": "b"})
    assert (address.state["publicIp"], address.state["tags"]) == (number, {"zone": "b"})
    assert gone(address)


def test_an_address_follows_its_network_interface() -> None:
    inside = subnet(vpc())
    ec2 = inside.client("ec2")
    one, two = (
        ec2.create_network_interface(SubnetId=inside.id)["NetworkInterface"]["NetworkInterfaceId"] for _ in range(2)
    )
    address = made(Eip, networkInterface=one)
    address.up(networkInterface=two)
    assert address.state["networkInterface"] == two
    assert address.state["privateDns"].endswith(".us-west-2.compute.internal")
    assert gone(address)


def test_a_nat_gateway_takes_its_address_and_waits_until_it_is_gone() -> None:
    address = made(Eip)
    nat = made(NatGateway, subnetId=subnet(vpc()).id, allocationId=address.id, tags={"zone": "a"})
    assert nat.state["publicIp"] == address.state["publicIp"]
    assert nat.state["connectivityType"] == "public"
    assert nat.state["networkInterfaceId"].startswith("eni-")
    assert nat.plan(subnetId="subnet-2", allocationId=address.id).replace
    assert gone(nat)
    assert gone(address)


def test_what_a_nat_gateway_did_to_its_address_is_no_difference_of_the_address() -> None:
    address = made(Eip, domain="vpc")
    made(NatGateway, subnetId=subnet(vpc()).id, allocationId=address.id)
    address.refresh()
    assert address.state["networkInterface"].startswith("eni-")
    assert address.plan(domain="vpc").changes == ()


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"subnetId": "subnet-1"}, "allocationId"),
        ({"subnetId": "subnet-1", "allocationId": "eipalloc-1", "connectivityType": "private"}, "private"),
        ({"allocationId": "eipalloc-1"}, "subnetId"),
        ({"subnetId": "subnet-1", "allocationId": "eipalloc-1", "privateIp": "10.0.0.9"}, "not supported"),
    ],
)
def test_a_nat_gateway_that_cannot_be_is_refused(inputs: dict[str, Any], word: str) -> None:
    with pytest.raises(Refused, match=word):
        Program(NatGateway).checked(**inputs)


def test_a_preview_of_a_nat_gateway_accepts_what_is_not_known_yet() -> None:
    inputs = Program(NatGateway).checked(subnetId=UNKNOWN, allocationId=UNKNOWN)
    assert operations.preview_create(NatGateway, inputs)["publicIp"] is UNKNOWN
