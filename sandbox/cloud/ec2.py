"""EC2 where moto is kinder than AWS, forgets what it was told, or leaves something behind. Registered with moto."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.ec2 import urls
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.security_groups import SecurityGroupRule

from sandbox.cloud.context import CloudContext


class NatGatewayNotFoundError(EC2ClientError):  # type: ignore[misc]
    def __init__(self, gateway_id: str) -> None:
        super().__init__("NatGatewayNotFound", f"NatGateway {gateway_id} was not found")


class AlreadyAssociatedError(EC2ClientError):  # type: ignore[misc]
    def __init__(self, subnet_id: str) -> None:
        super().__init__(
            "Resource.AlreadyAssociated", f"the specified association for {subnet_id} conflicts with an existing one"
        )


class Rule(SecurityGroupRule):  # type: ignore[misc]
    """A rule that remembers its description whatever its peer is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        prefix_list = args[7] if len(args) > 7 else kwargs.get("prefix_list_id")
        parts = (self.ip_range, self.source_group, prefix_list or {})
        self._said = next((part["Description"] for part in parts if part.get("Description")), None)

    @property
    def description(self) -> str | None:
        return self._said

    @description.setter
    def description(self, text: str | None) -> None:
        self._said = text

    def __eq__(self, other: object) -> bool:
        # EC2 tells rules apart by protocol, ports and peer, never by their description
        return isinstance(other, SecurityGroupRule) and _identity(self) == _identity(other)

    __hash__ = None  # type: ignore[assignment]


def _identity(rule: SecurityGroupRule) -> tuple[Any, ...]:
    return (
        rule.ip_protocol,
        rule.from_port,
        rule.to_port,
        rule.ip_range.get("CidrIp"),
        rule.ip_range.get("CidrIpv6"),
        rule.source_group.get("GroupId"),
        rule.prefix_list_id,
    )


class Backend(EC2Backend):  # type: ignore[misc]
    """One region's EC2."""

    @property
    def _url_module(self) -> Any:
        return urls  # moto looks for them beside the class

    def _iterate_security_rules(
        self,
        ip_protocol: str,
        group_id: str,
        from_port: str,
        to_port: str,
        ip_ranges: list[Any],
        source_groups: list[dict[str, Any]],
        prefix_list_ids: list[dict[str, str]],
        is_egress: bool = False,
        tags: dict[str, str] | None = None,
    ) -> Iterator[SecurityGroupRule]:
        peers = [
            *((item, None, None) for item in ip_ranges),
            *((None, item, None) for item in source_groups),
            *((None, None, item) for item in prefix_list_ids),
        ]
        for peer in peers:
            yield Rule(self, ip_protocol, group_id, from_port, to_port, *peer, is_egress=is_egress, tags=tags or {})

    def modify_security_group_rules(self, group_id: str, rules: dict[str, dict[str, Any]]) -> None:
        super().modify_security_group_rules(group_id, rules)
        group = self.get_security_group_from_id(group_id)
        for rule_id, new in rules.items():
            rule = group.get_rule(rule_id)
            rule.description = new.get("Description") or None
            if rule.ip_protocol == "-1":
                rule.from_port = rule.to_port = None
            if new.get("CidrIpv6"):
                rule.ip_range["CidrIpv6"] = new["CidrIpv6"]
            if new.get("ReferencedGroupId"):
                rule.source_group = {**rule.source_group, "GroupId": new["ReferencedGroupId"]}
                rule.ip_range.pop("Description", None)  # moto puts it where a rule for a group has no range
            if new.get("PrefixListId"):
                rule.prefix_list_id = new["PrefixListId"]
                rule.ip_range.pop("Description", None)

    def delete_nat_gateway(self, nat_gateway_id: str) -> Any:
        gateway = self.nat_gateways.get(nat_gateway_id)
        if gateway is None:
            raise NatGatewayNotFoundError(nat_gateway_id)
        for address in self.addresses:
            if address.eni is not None and address.eni.id == gateway._eni.id:  # noqa: SLF001 - moto has no accessor
                address.eni = None
                address.association_id = None
        self.enis.pop(gateway._eni.id, None)  # noqa: SLF001
        return super().delete_nat_gateway(nat_gateway_id)

    def associate_route_table(
        self, route_table_id: str, gateway_id: str | None = None, subnet_id: str | None = None
    ) -> str:
        target = subnet_id or gateway_id
        if any(target in table._associations.values() for table in self.route_tables.values()):  # noqa: SLF001
            raise AlreadyAssociatedError(str(target))
        return str(super().associate_route_table(route_table_id, gateway_id, subnet_id))

    def delete_vpc(self, vpc_id: str) -> Any:
        inside = [
            *(group.id for group in self.groups[vpc_id].values() if not group.is_default),
            *(gateway.id for gateway in self.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id),
            *(end.id for end in self.vpc_end_points.values() if end.vpc_id == vpc_id and end.state != "deleted"),
        ]
        if inside:
            raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted: {inside}")
        vpc = super().delete_vpc(vpc_id)
        for acl in [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]:
            del self.network_acls[acl.id]
        return vpc


def register(context: CloudContext) -> None:
    """Make moto use this backend from now on. Call it before anything asks moto for EC2."""
    del context
    ec2_backends.backend = Backend
