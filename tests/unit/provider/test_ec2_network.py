"""Routing, endpoints and flow logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.core.resource import ResourceError
from sandbox.provider.services.ec2 import Subnet, Vpc
from sandbox.provider.services.ec2_endpoints import FlowLog, VpcEndpoint
from sandbox.provider.services.ec2_gateways import InternetGateway
from sandbox.provider.services.ec2_network import Route, RouteTable, RouteTableAssociation
from sandbox.provider.services.ec2_security import SecurityGroup
from tests.unit.provider.program import Program, Refused, cloud
from tests.unit.provider.west import WEST, gone, made

ANYWHERE = "0.0.0.0/0"


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with cloud():
        yield


@pytest.fixture
def vpc_id(aws: None) -> str:
    return made(Vpc, cidrBlock="10.0.0.0/16").id


def gateway(vpc_id: str) -> str:
    return made(InternetGateway, vpcId=vpc_id).id


def subnet(vpc_id: str, number: int = 0) -> str:
    cidr = f"10.0.{16 * number}.0/20"
    return made(Subnet, vpcId=vpc_id, cidrBlock=cidr, availabilityZone="us-west-2a").id


# -- routes


def test_a_route_has_the_genuine_id_and_changes_its_target_in_place(vpc_id: str) -> None:
    table = made(RouteTable, vpcId=vpc_id).id
    one = gateway(vpc_id)
    route = made(Route, routeTableId=table, destinationCidrBlock=ANYWHERE, gatewayId=one)
    assert route.id == f"r-{table}1080289494"
    two = made(InternetGateway).id
    route.up(routeTableId=table, destinationCidrBlock=ANYWHERE, gatewayId=two)
    assert route.state["gatewayId"] == two
    assert route.state["state"] == "active"
    assert route.plan(routeTableId=table, destinationCidrBlock="10.9.0.0/16", gatewayId=two).replace
    assert gone(route)


def test_a_route_that_somebody_took_away_or_turned_is_seen(vpc_id: str) -> None:
    table, one, two = made(RouteTable, vpcId=vpc_id).id, gateway(vpc_id), made(InternetGateway).id
    inputs = {"routeTableId": table, "destinationCidrBlock": ANYWHERE, "gatewayId": one}
    route = made(Route, **inputs)
    ec2 = route.client("ec2")
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=two)
    route.refresh()
    assert route.plan(**inputs).changed == {"gatewayId"}
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE)
    route.refresh()
    assert route.id == ""


def test_a_route_is_adopted_by_its_table_and_destination(vpc_id: str) -> None:
    table, target = made(RouteTable, vpcId=vpc_id).id, gateway(vpc_id)
    route = made(Route, routeTableId=table, destinationCidrBlock=ANYWHERE, gatewayId=target)
    adopted = Program(Route, region=WEST)
    adopted.imported(f"{table}_{ANYWHERE}")
    assert adopted.id == route.id
    assert adopted.plan(routeTableId=table, destinationCidrBlock=ANYWHERE, gatewayId=target).changes == ()
    with pytest.raises(ResourceError, match="ROUTETABLEID_DESTINATION"):
        adopted.imported("rtb-1")


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"gatewayId": "igw-1"}, "must be specified"),
        ({"destinationCidrBlock": ANYWHERE}, "must be specified"),
        ({"destinationCidrBlock": ANYWHERE, "gatewayId": "igw-1", "natGatewayId": "nat-1"}, "only one of"),
        ({"destinationCidrBlock": "10.0.0.1/8", "gatewayId": "igw-1"}, "network address"),
        ({"destinationCidrBlock": ANYWHERE, "coreNetworkArn": "arn"}, "not supported"),
        ({"destinationCidrBlock": ANYWHERE, "gatewayId": "local"}, "import"),
    ],
)
def test_a_route_without_exactly_one_way_and_one_place_is_refused(inputs: dict[str, Any], word: str) -> None:
    with pytest.raises(Refused, match=word):
        Program(Route).checked(routeTableId="rtb-1", **inputs)


def test_a_table_that_writes_no_routes_does_not_mind_those_of_others(vpc_id: str) -> None:
    table = made(RouteTable, vpcId=vpc_id, tags={"tier": "public"})
    made(Route, routeTableId=table.id, destinationCidrBlock=ANYWHERE, gatewayId=gateway(vpc_id))
    table.refresh()
    assert table.state["routes"][0]["cidrBlock"] == ANYWHERE
    assert table.plan(vpcId=vpc_id, tags={"tier": "public"}).changes == ()


def test_a_table_that_writes_its_routes_has_those_and_no_others(vpc_id: str) -> None:
    one, two = gateway(vpc_id), made(InternetGateway).id
    table = made(RouteTable, vpcId=vpc_id, routes=[{"cidrBlock": ANYWHERE, "gatewayId": one}])
    table.client("ec2").create_route(RouteTableId=table.id, DestinationCidrBlock="10.8.0.0/16", GatewayId=one)
    table.refresh()
    wanted = [{"cidrBlock": "10.9.0.0/16", "gatewayId": one}, {"cidrBlock": ANYWHERE, "gatewayId": two}]
    table.up(vpcId=vpc_id, routes=wanted)
    assert {route["cidrBlock"]: route["gatewayId"] for route in table.state["routes"]} == {
        ANYWHERE: two,
        "10.9.0.0/16": one,
    }
    assert table.plan(vpcId=vpc_id, routes=wanted[::-1]).changes == ()
    table.up(vpcId=vpc_id, routes=[])
    assert table.state["routes"] == []


def test_a_route_inside_a_table_is_held_to_the_same_rules() -> None:
    for route, word in (
        ({"cidrBlock": ANYWHERE}, "must be specified"),
        ({"cidrBlock": "10.0.0.1/8", "gatewayId": "igw-1"}, "network address"),
        ({"cidrBlock": ANYWHERE, "gatewayId": "igw-1", "coreNetworkArn": "arn"}, "not supported"),
    ):
        with pytest.raises(Refused, match=word):
            Program(RouteTable).checked(vpcId="vpc-1", routes=[route])


def test_an_association_moves_to_another_table_and_is_still_found(vpc_id: str) -> None:
    one, two, place = made(RouteTable, vpcId=vpc_id).id, made(RouteTable, vpcId=vpc_id).id, subnet(vpc_id)
    association = made(RouteTableAssociation, routeTableId=one, subnetId=place)
    first = association.id
    association.up(routeTableId=two, subnetId=place)
    assert association.state["routeTableId"] == two
    assert association.state["id"] != first
    association.refresh()
    assert association.id == association.state["id"]
    assert association.plan(routeTableId=two, subnetId=place).changes == ()
    assert gone(association)


def test_an_association_is_adopted_by_its_subnet_and_table(vpc_id: str) -> None:
    table, place = made(RouteTable, vpcId=vpc_id).id, subnet(vpc_id)
    association = made(RouteTableAssociation, routeTableId=table, subnetId=place)
    adopted = Program(RouteTableAssociation, region=WEST)
    adopted.imported(f"{place}/{table}")
    assert adopted.id == association.id


def test_a_table_goes_although_somebody_else_uses_it(vpc_id: str) -> None:
    table = made(RouteTable, vpcId=vpc_id)
    table.client("ec2").associate_route_table(RouteTableId=table.id, SubnetId=subnet(vpc_id))
    assert gone(table)


# -- endpoints


def test_a_gateway_endpoint_routes_and_shows_no_route_of_its_own(vpc_id: str) -> None:
    table = made(RouteTable, vpcId=vpc_id)
    endpoint = made(
        VpcEndpoint,
        vpcId=vpc_id,
        serviceName="com.amazonaws.us-west-2.s3",
        vpcEndpointType="Gateway",
        routeTableIds=[table.id],
        tags={"site": "secondary"},
    )
    assert endpoint.state["prefixListId"].startswith("pl-")
    assert endpoint.state["privateDnsEnabled"] is False
    assert json.loads(endpoint.state["policy"])["Statement"][0]["Effect"] == "Allow"
    table.refresh()
    assert table.state["routes"] == []
    endpoint.destroy()
    endpoint.refresh()
    assert endpoint.id == ""


def interface(vpc_id: str, **inputs: Any) -> dict[str, Any]:
    return {
        "vpcId": vpc_id,
        "serviceName": "com.amazonaws.us-west-2.kms",
        "vpcEndpointType": "Interface",
        "privateDnsEnabled": True,
        **inputs,
    }


def test_an_interface_endpoint_has_its_interfaces_and_its_order_is_no_difference(vpc_id: str) -> None:
    places = [subnet(vpc_id, number) for number in range(3)]
    group = made(SecurityGroup, vpcId=vpc_id).id
    endpoint = made(VpcEndpoint, **interface(vpc_id, subnetIds=places, securityGroupIds=[group]))
    assert len(endpoint.state["networkInterfaceIds"]) == 3
    assert endpoint.state["dnsEntries"][0]["dnsName"]
    assert endpoint.plan(**interface(vpc_id, subnetIds=places[::-1], securityGroupIds=[group])).changes == ()
    assert gone(endpoint)


def test_an_endpoints_groups_and_policy_change_in_place(vpc_id: str) -> None:
    one, two = (made(SecurityGroup, vpcId=vpc_id, name=name).id for name in ("one", "two"))
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*"}]})
    endpoint = made(VpcEndpoint, **interface(vpc_id, securityGroupIds=[one]))
    endpoint.up(**interface(vpc_id, securityGroupIds=[two], policy=policy))
    assert endpoint.state["securityGroupIds"] == [two]
    assert json.loads(endpoint.state["policy"])["Statement"][0]["Effect"] == "Deny"
    assert endpoint.plan(**interface(vpc_id, securityGroupIds=[two])).changes == ()
    assert endpoint.plan(**interface(vpc_id, serviceName="com.amazonaws.us-west-2.sts")).replace


def test_private_names_replace_only_what_is_no_interface(vpc_id: str) -> None:
    endpoint = made(VpcEndpoint, **interface(vpc_id))
    assert not endpoint.plan(**interface(vpc_id, privateDnsEnabled=False)).replace
    balanced = interface(vpc_id, vpcEndpointType="GatewayLoadBalancer", privateDnsEnabled=False)
    assert made(VpcEndpoint, **balanced).plan(**{**balanced, "privateDnsEnabled": True}).replace


# -- flow logs


def flow_log(vpc_id: str, **inputs: Any) -> dict[str, Any]:
    return {
        "vpcId": vpc_id,
        "trafficType": "ALL",
        "logDestination": "arn:aws:logs:us-west-2:123456789012:log-group:/flows",
        "iamRoleArn": "arn:aws:iam::123456789012:role/flows",
        **inputs,
    }


def test_a_flow_log_is_made_with_awss_format_and_anything_but_tags_makes_a_new_one(vpc_id: str) -> None:
    inputs = flow_log(vpc_id, maxAggregationInterval=60)
    log = made(FlowLog, **inputs, tags={"site": "secondary"})
    assert log.state["arn"] == f"arn:aws:ec2:us-west-2:123456789012:vpc-flow-log/{log.id}"
    assert log.state["logFormat"].startswith("${version}")
    log.up(**inputs, tags={"site": "tertiary"})
    assert log.state["tags"] == {"site": "tertiary"}
    assert log.plan(**{**inputs, "trafficType": "REJECT"}).replace
    assert log.plan(**{**inputs, "maxAggregationInterval": 600}).replace
    assert gone(log)


def test_a_flow_log_of_a_bucket_that_is_not_there_is_refused_in_one_sentence(vpc_id: str) -> None:
    inputs = {"vpcId": vpc_id, "trafficType": "ALL", "logDestinationType": "s3", "logDestination": "arn:aws:s3:::none"}
    with pytest.raises(ResourceError, match="does not exist"):
        Program(FlowLog, region=WEST).up(**inputs)


def test_a_flow_log_watches_exactly_one_thing(vpc_id: str) -> None:
    with pytest.raises(Refused, match="only one of"):
        Program(FlowLog).checked(**flow_log(vpc_id, subnetId="subnet-1"))
    with pytest.raises(Refused, match="not supported"):
        Program(FlowLog).checked(trafficType="ALL", transitGatewayId="tgw-1", logDestination="arn")


def test_awss_own_refusal_reaches_the_user(vpc_id: str) -> None:
    with pytest.raises(ClientError, match="DeliverLogsPermissionArn"):
        Program(FlowLog, region=WEST).up(**{**flow_log(vpc_id), "iamRoleArn": ""})
