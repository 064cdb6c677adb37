"""Address ranges, routes and security groups."""

from __future__ import annotations

import ipaddress
import itertools

import pytest

from infra.address_plan import plan
from infra.endpoints import INTERFACE_SERVICES
from tests.unit.infra.recording import Run, run_stack

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


@pytest.mark.parametrize("prefix", range(16, 21))
@pytest.mark.parametrize("zones", [2, 3])
def test_subnets_lie_in_the_network_and_do_not_overlap(prefix: int, zones: int) -> None:
    network = ipaddress.IPv4Network(f"10.32.0.0/{prefix}")
    subnets = plan(network, zones).subnets
    assert len(subnets) == 3 * zones
    assert all(subnet.subnet_of(network) for subnet in subnets)
    assert all(not one.overlaps(other) for one, other in itertools.combinations(subnets, 2))
    assert all(subnet.prefixlen <= 28 for subnet in subnets), "AWS has no smaller subnet"


def test_a_third_zone_moves_no_subnet() -> None:
    network = ipaddress.IPv4Network("10.10.0.0/16")
    assert set(plan(network, 2).subnets) < set(plan(network, 3).subnets)


@pytest.mark.parametrize(("network", "zones"), [("10.0.0.0/15", 3), ("10.0.0.0/21", 3), ("10.0.0.0/16", 4)])
def test_a_plan_that_does_not_fit_is_refused(network: str, zones: int) -> None:
    with pytest.raises(ValueError, match=r"not between|do not fit"):
        plan(ipaddress.IPv4Network(network), zones)


def test_the_two_sites_share_no_address(primary: Run, secondary: Run) -> None:
    ranges = [
        ipaddress.IPv4Network(subnet.inputs["cidrBlock"])
        for run in (primary, secondary)
        for subnet in run.of("aws:ec2/subnet:Subnet")
    ]
    assert len(ranges) == 18
    assert all(not one.overlaps(other) for one, other in itertools.combinations(ranges, 2))


def test_every_tier_spans_every_zone(any_run: Run) -> None:
    zones = any_run.outputs["network"]["zones"]
    assert zones == [f"{any_run.outputs['region']}{letter}" for letter in "abc"]
    for tier in ("public", "private", "database"):
        subnets = [each for each in any_run.of("aws:ec2/subnet:Subnet") if each.name.startswith(tier)]
        assert [each.inputs["availabilityZone"] for each in sorted(subnets, key=lambda each: each.name)] == zones


def test_each_zone_has_a_way_out_of_its_own(any_run: Run) -> None:
    routes = {each.name: each.inputs for each in any_run.of("aws:ec2/route:Route")}
    for zone in "abc":
        assert routes[f"private-{zone}-nat"]["natGatewayId"] == f"nat-{zone}-id"
        assert routes[f"private-{zone}-nat"]["routeTableId"] == f"private-{zone}-id"
    associations = {
        each.name: each.inputs for each in any_run.of("aws:ec2/routeTableAssociation:RouteTableAssociation")
    }
    assert len(associations) == 9
    for zone in "abc":
        assert associations[f"private-{zone}"]["routeTableId"] == f"private-{zone}-id"
        assert associations[f"public-{zone}"]["routeTableId"] == "public-id"
        assert associations[f"database-{zone}"]["routeTableId"] == "database-id"


def test_the_database_subnets_have_no_way_out(any_run: Run) -> None:
    assert all(route.inputs["routeTableId"] != "database-id" for route in any_run.of("aws:ec2/route:Route"))


def test_a_smaller_network_has_two_zones() -> None:
    run = run_stack("primary", availabilityZones="2", networkCidr="10.10.0.0/20")
    assert len(run.of("aws:ec2/subnet:Subnet")) == 6
    assert len(run.of("aws:ec2/natGateway:NatGateway")) == 2


def test_only_the_application_reaches_the_database(any_run: Run) -> None:
    database = any_run.outputs["network"]["databaseSecurityGroupId"]
    (rule,) = [each for each in any_run.of(INGRESS) if each.inputs["securityGroupId"] == database]
    assert rule.inputs["referencedSecurityGroupId"] == any_run.outputs["network"]["applicationSecurityGroupId"]
    assert (rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("tcp", 5432, 5432)
    assert not [each for each in any_run.of(EGRESS) if each.inputs["securityGroupId"] == database]
    assert any_run.database.inputs["vpcSecurityGroupIds"] == [database]


def test_the_application_speaks_only_https_to_the_outside(any_run: Run) -> None:
    outside = [each.inputs for each in any_run.of(EGRESS) if "cidrIpv4" in each.inputs]
    assert [(each["ipProtocol"], each["fromPort"], each["toPort"]) for each in outside] == [("tcp", 443, 443)]


def test_recovery_reaches_aws_without_the_internet(any_run: Run) -> None:
    endpoints = {each.inputs["serviceName"]: each.inputs for each in any_run.of("aws:ec2/vpcEndpoint:VpcEndpoint")}
    prefix = f"com.amazonaws.{any_run.outputs['region']}."
    assert endpoints.keys() == {f"{prefix}{service}" for service in (*INTERFACE_SERVICES, "s3")}
    s3 = endpoints.pop(f"{prefix}s3")
    assert s3["vpcEndpointType"] == "Gateway"
    assert s3["routeTableIds"] == ["private-a-id", "private-b-id", "private-c-id"]
    for endpoint in endpoints.values():
        assert endpoint["vpcEndpointType"] == "Interface"
        assert endpoint["privateDnsEnabled"] is True
        assert endpoint["subnetIds"] == any_run.outputs["network"]["privateSubnetIds"]
        assert len(endpoint["securityGroupIds"]) == 1


def test_every_connection_is_logged(any_run: Run) -> None:
    log = any_run.one("aws:ec2/flowLog:FlowLog")
    assert (log.inputs["trafficType"], log.inputs["vpcId"]) == ("ALL", "vpc-id")
