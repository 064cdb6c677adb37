"""Routing: route tables, routes, and which subnet uses which table. Endpoints and flow logs: ``ec2_endpoints``."""

from __future__ import annotations

import zlib
from functools import partial
from typing import Any, ClassVar, Final

from sandbox.provider.core.resource import ResourceError
from sandbox.provider.core.values import Properties
from sandbox.provider.services import ec2_endpoints
from sandbox.provider.services.ec2_common import (
    MINUTE,
    Ec2Resource,
    address_range,
    exactly_one,
    same_network,
    tags_of,
)
from sandbox.provider.services.ec2_routes import (
    DESTINATIONS,
    INLINE_DESTINATIONS,
    TARGETS,
    UNSUPPORTED_TARGETS,
    find,
    is_own,
    request_of,
    target_of,
)
from sandbox.provider.services.refusals import Failure

_NO_TABLE: Final = "InvalidRouteTableID.NotFound"
_OF_ID: Final = "association.route-table-association-id"
_OF_SUBNET: Final = "association.subnet-id"


class RouteTable(Ec2Resource):
    """A route table. Routes written inside it are all that it may have; left out, they are not looked at."""

    token = "aws:ec2/routeTable:RouteTable"  # noqa: S105
    missing = frozenset({_NO_TABLE})
    tag_type = "route-table"
    also_computed = frozenset({"routes", "propagatingVgws"})
    unordered = frozenset({"routes"})
    refused = frozenset({"propagatingVgws"})
    timeouts: ClassVar = {"create": 5 * MINUTE, "update": 2 * MINUTE, "delete": 5 * MINUTE}

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        found = super().check(inputs)
        routes = inputs.get("routes")
        for route in routes if isinstance(routes, list) else []:
            if not isinstance(route, dict):
                continue
            found += [(f"routes.{name}", reason) for name, reason in exactly_one(route, INLINE_DESTINATIONS)]
            found += [(f"routes.{name}", reason) for name, reason in exactly_one(route, TARGETS)]
            found += [(f"routes.{name}", reason) for name, reason in address_range(route, "cidrBlock")]
            found += [
                (f"routes.{name}", f'"{name}" is not supported by the sandbox\'s provider: remove it')
                for name in sorted(set(route) - set(INLINE_DESTINATIONS) - set(TARGETS))
                if route[name]
            ]
        return found

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        return same_network(old, new) if path == "routes[].ipv6CidrBlock" else None

    def create(self, inputs: Properties) -> str:
        made = self.client.create_route_table(VpcId=inputs["vpcId"], **self.tag_specifications(inputs))["RouteTable"]
        table_id = str(made["RouteTableId"])
        self.call.made(table_id)
        for route in inputs.get("routes", []):
            self.client.create_route(RouteTableId=table_id, **_whole(route))
        return table_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self.one("describe_route_tables", "RouteTables", RouteTableIds=[resource_id])
        if found is None:
            return None
        return {
            "id": resource_id,
            "arn": self.arn("route-table", resource_id, found.get("OwnerId")),
            "ownerId": found.get("OwnerId"),
            "vpcId": found["VpcId"],
            "propagatingVgws": sorted(item["GatewayId"] for item in found.get("PropagatingVgws", [])),
            "routes": sorted((_inline(route) for route in found.get("Routes", []) if is_own(route)), key=_destination),
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)
        if "routes" not in changed:
            return
        before = {_destination(route): route for route in old.get("routes", [])}
        after = {_destination(route): route for route in new.get("routes", [])}
        for destination, route in after.items():
            if destination not in before:
                self.client.create_route(RouteTableId=resource_id, **_whole(route))
            elif request_of(before[destination], TARGETS) != request_of(route, TARGETS):
                self.client.replace_route(RouteTableId=resource_id, **_whole(route))
        for destination, route in before.items():
            if destination not in after:
                request = request_of(route, INLINE_DESTINATIONS)
                gone = partial(self.client.delete_route, RouteTableId=resource_id, **request)
                self.tolerate(gone, ("InvalidRoute.NotFound",))

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        found = self.one("describe_route_tables", "RouteTables", RouteTableIds=[resource_id])
        if found is None:
            return
        for association in found.get("Associations", []):
            if not association.get("Main"):
                association_id = association["RouteTableAssociationId"]
                gone = partial(self.client.disassociate_route_table, AssociationId=association_id)
                self.tolerate(gone, ("InvalidAssociationID.NotFound",))
        self.delete_when_free(lambda: self.client.delete_route_table(RouteTableId=resource_id))


def _whole(route: Properties) -> dict[str, str]:
    return {**request_of(route, INLINE_DESTINATIONS), **request_of(route, TARGETS)}


def _inline(route: dict[str, Any]) -> Properties:
    destination = {ours: route[theirs] for ours, theirs in INLINE_DESTINATIONS.items() if route.get(theirs)}
    return {**destination, **target_of(route)}


def _destination(route: Properties) -> str:
    return next(iter(request_of(route, INLINE_DESTINATIONS).values()), "")


class Route(Ec2Resource):
    """One route of a table."""

    token = "aws:ec2/route:Route"  # noqa: S105
    missing = frozenset({_NO_TABLE})
    refused = UNSUPPORTED_TARGETS
    timeouts: ClassVar = {"create": 5 * MINUTE, "update": 2 * MINUTE, "delete": 5 * MINUTE}

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        found = super().check(inputs) + exactly_one(inputs, DESTINATIONS)
        if not any(inputs.get(name) for name in cls.refused):
            found += exactly_one(inputs, TARGETS)
        if inputs.get("gatewayId") == "local":
            found.append(("gatewayId", 'a "local" route is made by AWS with its table: import it instead'))
        return found + address_range(inputs, "destinationCidrBlock") + address_range(inputs, "destinationIpv6CidrBlock")

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        return same_network(old, new) if path == "destinationIpv6CidrBlock" else None

    def create(self, inputs: Properties) -> str:
        destination = request_of(inputs, DESTINATIONS)
        # the target may not have arrived everywhere yet
        self.call.retry_on(
            ("InvalidParameterException", "InvalidTransitGatewayID.NotFound"),
            lambda: self.client.create_route(
                RouteTableId=inputs["routeTableId"], **destination, **request_of(inputs, TARGETS)
            ),
        )
        route_id = _route_id(inputs["routeTableId"], destination)
        self.call.made(route_id)
        return route_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        table_id, destination = _place(resource_id, state)
        table = self.one("describe_route_tables", "RouteTables", RouteTableIds=[table_id])
        route = find(table, destination) if table else None
        if route is None:
            return None
        return {
            "id": _route_id(table_id, destination),
            "routeTableId": table_id,
            **{ours: route.get(theirs) for ours, theirs in DESTINATIONS.items()},
            **target_of(route),
            "instanceId": route.get("InstanceId"),
            "instanceOwnerId": route.get("InstanceOwnerId"),
            "origin": route.get("Origin"),
            "state": route.get("State"),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        del resource_id, changed
        destination = request_of(old, DESTINATIONS)
        self.client.replace_route(RouteTableId=old["routeTableId"], **destination, **request_of(new, TARGETS))

    def delete(self, resource_id: str, state: Properties) -> None:
        table_id, destination = _place(resource_id, state)
        if state.get("gatewayId") == "local":
            return  # AWS's own: it goes with its table
        self.tolerate(
            lambda: self.client.delete_route(RouteTableId=table_id, **destination), ("InvalidRoute.NotFound",)
        )


def _route_id(table_id: str, destination: dict[str, str]) -> str:
    """The genuine provider's id: AWS gives routes none."""
    (wanted,) = destination.values()
    return f"r-{table_id}{zlib.crc32(wanted.encode())}"


def _place(resource_id: str, state: Properties) -> tuple[str, dict[str, str]]:
    """Table and destination, from the state or from an import id (``rtb-1_10.0.0.0/8``)."""
    if state.get("routeTableId"):
        return state["routeTableId"], request_of(state, DESTINATIONS)
    table_id, found, destination = resource_id.partition("_")
    if not found or not destination:
        raise ResourceError(
            f"a route's import id is ROUTETABLEID_DESTINATION, like rtb-1_10.0.0.0/8: got {resource_id}"
        )
    if destination.startswith("pl-"):
        return table_id, {"DestinationPrefixListId": destination}
    return table_id, {"DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock": destination}


class RouteTableAssociation(Ec2Resource):
    """Which table a subnet (or a gateway) uses. A change of the table gives it a new id, kept in the output ``id``."""

    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"  # noqa: S105
    missing = frozenset({_NO_TABLE})
    timeouts: ClassVar = {"create": 5 * MINUTE, "update": 2 * MINUTE, "delete": 5 * MINUTE}

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        return super().check(inputs) + exactly_one(inputs, ("subnetId", "gatewayId"))

    def create(self, inputs: Properties) -> str:
        request = request_of(inputs, {"subnetId": "SubnetId", "gatewayId": "GatewayId"})
        answer = self.call.retry_on(
            (_NO_TABLE,), lambda: self.client.associate_route_table(RouteTableId=inputs["routeTableId"], **request)
        )
        association_id = str(answer["AssociationId"])
        self.call.made(association_id)
        return association_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        target = str(state.get("subnetId") or state.get("gatewayId") or "")
        asked: dict[str, Any] = {"Filters": [{"Name": _OF_ID, "Values": [resource_id]}]}
        if "/" in resource_id:
            target, _, table_id = resource_id.partition("/")  # an import id: subnet-1/rtb-1
            asked = {"RouteTableIds": [table_id]}
        elif target.startswith("subnet-"):
            # by the subnet, not by the id: the id changes with the table, and a subnet has one association
            asked = {"Filters": [{"Name": _OF_SUBNET, "Values": [target]}]}
        table = self.one("describe_route_tables", "RouteTables", **asked)
        for association in (table or {}).get("Associations", []):
            ours = (association["RouteTableAssociationId"], association.get("SubnetId"), association.get("GatewayId"))
            if (target in ours or resource_id in ours) and _in_force(association):
                return {
                    "id": association["RouteTableAssociationId"],
                    "routeTableId": association["RouteTableId"],
                    "subnetId": association.get("SubnetId"),
                    "gatewayId": association.get("GatewayId"),
                }
        return None

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        del changed
        self.client.replace_route_table_association(
            AssociationId=old.get("id", resource_id), RouteTableId=new["routeTableId"]
        )

    def delete(self, resource_id: str, state: Properties) -> None:
        self.tolerate(
            lambda: self.client.disassociate_route_table(AssociationId=state.get("id", resource_id)),
            ("InvalidAssociationID.NotFound",),
        )


def _in_force(association: dict[str, Any]) -> bool:
    return association.get("AssociationState", {}).get("State") not in ("disassociating", "disassociated", "failed")


KINDS: Final = (RouteTable, Route, RouteTableAssociation, *ec2_endpoints.KINDS)
