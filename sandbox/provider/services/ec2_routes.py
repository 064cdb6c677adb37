"""What a route is to EC2: where to (one destination) and through what (one target)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.provider.core.values import Properties
from sandbox.provider.services.ec2_common import same_network

TARGETS: Final = {
    "carrierGatewayId": "CarrierGatewayId",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "gatewayId": "GatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}
"""The provider's names of the targets, and EC2's."""
UNSUPPORTED_TARGETS: Final = frozenset({"coreNetworkArn", "localGatewayId", "odbNetworkArn"})

DESTINATIONS: Final = {
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
"""Of the resource Route."""
INLINE_DESTINATIONS: Final = {
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
"""Of the routes that are written inside a RouteTable."""


def request_of(written: Properties, names: Mapping[str, str]) -> dict[str, str]:
    """The arguments of EC2's calls for what is set of ``names``."""
    return {theirs: str(written[ours]) for ours, theirs in names.items() if written.get(ours)}


def target_of(route: Mapping[str, Any]) -> Properties:
    """The target of a route as EC2 describes it, under the provider's name."""
    found = {ours: route[theirs] for ours, theirs in TARGETS.items() if route.get(theirs)}
    gateway = str(found.get("gatewayId", ""))
    if gateway.startswith("vpce-"):
        # EC2 shows the endpoint of a load balancer where it shows gateways
        return {"vpcEndpointId": gateway}
    return found


def is_own(route: Mapping[str, Any]) -> bool:
    """Whether a program made this route: not the local one, no propagated one, none of a gateway endpoint."""
    of_endpoint = str(route.get("GatewayId", "")).startswith("vpce-") and "DestinationPrefixListId" in route
    return route.get("GatewayId") != "local" and route.get("Origin") != "EnableVgwRoutePropagation" and not of_endpoint


def find(table: Mapping[str, Any], destination: Mapping[str, str]) -> dict[str, Any] | None:
    """The route of a described table with this destination (under EC2's name)."""
    ((key, wanted),) = destination.items()
    for route in table.get("Routes", []):
        found = route.get(key)
        if found is not None and (found == wanted or same_network(found, wanted)):
            return dict(route)
    return None
