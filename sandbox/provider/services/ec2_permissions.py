"""Security group rules as EC2 keeps them: one peer each. Inline rules of a group are written in bundles of peers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.provider.core.values import Properties

ALL: Final = "-1"
_PROTOCOLS: Final = {"all": ALL, "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_FIELDS: Final = {
    "cidrIpv4": ("IpRanges", "CidrIp"),
    "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListId": ("PrefixListIds", "PrefixListId"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}
"""Kind of peer, and where EC2's IpPermission has it."""
_INLINE: Final = {
    "cidrBlocks": "cidrIpv4",
    "ipv6CidrBlocks": "cidrIpv6",
    "prefixListIds": "prefixListId",
    "securityGroups": "referencedSecurityGroupId",
}
INLINE_KEYS: Final = frozenset({"protocol", "fromPort", "toPort", "self", "description", *_INLINE})
SELF: Final = "self"
"""Stands for the group's own id, which a program cannot know while it makes the group."""


@dataclass(frozen=True, order=True)
class Permission:
    """One rule with one peer. Ports are None for all protocols."""

    protocol: str
    from_port: int | None
    to_port: int | None
    kind: str
    peer: str
    description: str = ""

    def request(self, group_id: str) -> dict[str, Any]:
        """As an IpPermission of EC2."""
        listed, key = _FIELDS[self.kind]
        item = {key: group_id if self.peer == SELF else self.peer}
        if key == "GroupId" and "/" in item[key]:
            item["UserId"], _, item[key] = item[key].partition("/")  # a group of another account: account/group
        if self.description:
            item["Description"] = self.description
        ports = {} if self.protocol == ALL else {"FromPort": self.from_port, "ToPort": self.to_port}
        return {"IpProtocol": self.protocol, **ports, listed: [item]}


def protocol_of(written: Any) -> str:
    """EC2's word for a protocol that may be written in other case, or as its number."""
    text = str(written).lower()
    return _PROTOCOLS.get(text, text)


def same_range(old: Any, new: Any) -> bool:
    """Whether two texts write the same range."""
    return _canonical(str(old)) == _canonical(str(new))


def permissions_of(rules: Iterable[Mapping[str, Any]] | None) -> set[Permission]:
    """The single rules in inline rules (inputs or state)."""
    found = set()
    for rule in rules or ():
        peers = [(kind, str(peer)) for key, kind in _INLINE.items() for peer in rule.get(key) or ()]
        if rule.get("self"):
            peers.append(("referencedSecurityGroupId", SELF))
        protocol = protocol_of(rule["protocol"])
        first, last = (None, None) if protocol == ALL else (int(rule["fromPort"]), int(rule["toPort"]))
        description = str(rule.get("description") or "")
        found |= {Permission(protocol, first, last, kind, _canonical(peer), description) for kind, peer in peers}
    return found


def described(permissions: Iterable[Mapping[str, Any]], group_id: str, owner: str) -> set[Permission]:
    """The single rules in a described group's IpPermissions."""
    found = set()
    for permission in permissions:
        protocol = str(permission["IpProtocol"])
        first, last = (None, None) if protocol == ALL else (permission.get("FromPort"), permission.get("ToPort"))
        for kind, (listed, key) in _FIELDS.items():
            for item in permission.get(listed, []):
                peer = _peer(item, key, group_id, owner)
                found.add(Permission(protocol, first, last, kind, peer, str(item.get("Description") or "")))
    return found


def bundled(permissions: Iterable[Permission]) -> list[Properties]:
    """Inline rules as the state keeps them: peers of the same protocol, ports and description together."""
    bundles: dict[tuple[Any, ...], Properties] = {}
    names = {kind: key for key, kind in _INLINE.items()}
    for one in sorted(permissions, key=repr):
        rule = bundles.setdefault(
            (one.protocol, one.from_port, one.to_port, one.description),
            {
                "protocol": one.protocol,
                "fromPort": one.from_port or 0,
                "toPort": one.to_port or 0,
                "description": one.description,
                "self": False,
            },
        )
        if one.peer == SELF:
            rule["self"] = True
        else:
            rule.setdefault(names[one.kind], []).append(one.peer)
    return list(bundles.values())


def _peer(item: Mapping[str, str], key: str, group_id: str, owner: str) -> str:
    peer = item[key]
    if peer == group_id:
        return SELF
    foreign = item.get("UserId", owner)
    return f"{foreign}/{peer}" if key == "GroupId" and foreign != owner else _canonical(peer)


def _canonical(peer: str) -> str:
    try:
        return str(ipaddress.ip_network(peer))
    except ValueError:
        return peer
