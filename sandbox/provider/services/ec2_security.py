"""Security groups, and their rules as resources of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Final

from sandbox.provider.core.values import Properties, has_unknown
from sandbox.provider.services.ec2_common import MINUTE, Ec2Resource, address_range, exactly_one, tags_of
from sandbox.provider.services.ec2_permissions import (
    ALL,
    INLINE_KEYS,
    Permission,
    bundled,
    described,
    permissions_of,
    protocol_of,
    same_range,
)
from sandbox.provider.services.refusals import Failure

_NO_GROUP: Final = frozenset({"InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound"})
_NO_RULE: Final = "InvalidPermission.NotFound"
_EVERYWHERE: Final = (
    Permission(ALL, None, None, "cidrIpv4", "0.0.0.0/0"),
    Permission(ALL, None, None, "cidrIpv6", "::/0"),
)
"""The rules out that AWS gives a new group, the second one in a VPC with IPv6 (VPC User Guide, "Security groups")."""


class SecurityGroup(Ec2Resource):
    """A security group. Rules written inside it are all that it may have; left out, they are not looked at."""

    token = "aws:ec2/securityGroup:SecurityGroup"  # noqa: S105
    missing = _NO_GROUP
    tag_type = "security-group"
    defaults: ClassVar = {"description": "Managed by Pulumi", "revokeRulesOnDelete": False}
    also_computed = frozenset({"ingress", "egress", "namePrefix"})
    write_only = frozenset({"namePrefix", "revokeRulesOnDelete"})
    state_only = frozenset({"revokeRulesOnDelete"})
    conflicts = (frozenset({"name", "namePrefix"}),)
    timeouts: ClassVar = {"create": 10 * MINUTE, "delete": 15 * MINUTE}

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        found = super().check(inputs)
        for key in ("ingress", "egress"):
            rules = inputs.get(key)
            for index, rule in enumerate(rules if isinstance(rules, list) else []):
                absent = [name for name in ("protocol", "fromPort", "toPort") if name not in rule]
                found += [(f"{key}[{index}].{name}", f'missing required property "{name}"') for name in absent]
                strange = sorted(set(rule) - INLINE_KEYS)
                found += [(f"{key}[{index}].{name}", f'unknown property "{name}" of a rule') for name in strange]
        return found

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        # rules that are bundled in another way are the same rules
        return permissions_of(old) == permissions_of(new) if path in ("ingress", "egress") else None

    def create(self, inputs: Properties) -> str:
        request = {"VpcId": inputs["vpcId"]} if inputs.get("vpcId") else {}
        made = self.client.create_security_group(
            GroupName=inputs["name"],
            Description=inputs["description"],
            **request,
            **self.tag_specifications(inputs),
        )
        group_id = str(made["GroupId"])
        self.call.made(group_id)
        for rule in _EVERYWHERE:
            self._change(self.client.revoke_security_group_egress, group_id, {rule}, (_NO_RULE,))
        self._change(self.client.authorize_security_group_ingress, group_id, permissions_of(inputs.get("ingress")))
        self._change(self.client.authorize_security_group_egress, group_id, permissions_of(inputs.get("egress")))
        return group_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self._find(resource_id)
        if found is None:
            return None
        owner = str(found.get("OwnerId", ""))
        return {
            "id": resource_id,
            "arn": found.get("SecurityGroupArn") or self.arn("security-group", resource_id, owner),
            "ownerId": owner,
            "name": found["GroupName"],
            "description": found["Description"],
            "vpcId": found.get("VpcId"),
            "ingress": bundled(described(found.get("IpPermissions", []), resource_id, owner)),
            "egress": bundled(described(found.get("IpPermissionsEgress", []), resource_id, owner)),
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)
        for key in ("ingress", "egress"):
            if key in changed:
                before, after = permissions_of(old.get(key)), permissions_of(new.get(key))
                revoke = getattr(self.client, f"revoke_security_group_{key}")
                authorize = getattr(self.client, f"authorize_security_group_{key}")
                self._change(revoke, resource_id, before - after, (_NO_RULE,))
                self._change(authorize, resource_id, after - before)

    def delete(self, resource_id: str, state: Properties) -> None:
        if state.get("revokeRulesOnDelete"):
            self._revoke_everywhere(resource_id)
        self.delete_when_free(
            lambda: self.client.delete_security_group(GroupId=resource_id),
            busy=("DependencyViolation", "InvalidGroup.InUse"),
        )

    def _find(self, group_id: str) -> dict[str, Any] | None:
        return self.one("describe_security_groups", "SecurityGroups", GroupIds=[group_id])

    def _change(
        self, act: Callable[..., Any], group_id: str, rules: set[Permission], gone: tuple[str, ...] = ()
    ) -> None:
        if rules:
            request = [rule.request(group_id) for rule in sorted(rules, key=repr)]
            change = partial(act, GroupId=group_id, IpPermissions=request)
            if gone:
                self.tolerate(change, gone)
            else:
                change()

    def _revoke_everywhere(self, group_id: str) -> None:
        """Take this group's rules away, and the rules of other groups that point to it."""
        pointing: dict[str, dict[str, Any]] = {}
        for name in ("ip-permission.group-id", "egress.ip-permission.group-id"):
            answer = self.client.describe_security_groups(Filters=[{"Name": name, "Values": [group_id]}])
            pointing |= {group["GroupId"]: group for group in answer["SecurityGroups"]}
        own = self._find(group_id)
        for group in [*pointing.values(), *([own] if own and group_id not in pointing else [])]:
            mine = group["GroupId"] == group_id
            for key, revoke in (
                ("IpPermissions", self.client.revoke_security_group_ingress),
                ("IpPermissionsEgress", self.client.revoke_security_group_egress),
            ):
                rules = described(group.get(key, []), group["GroupId"], group.get("OwnerId", ""))
                wanted = rules if mine else {rule for rule in rules if rule.peer == group_id}
                self._change(revoke, group["GroupId"], wanted, (_NO_RULE,))


_PEERS: Final = {
    "cidrIpv4": "CidrIpv4",
    "cidrIpv6": "CidrIpv6",
    "prefixListId": "PrefixListId",
    "referencedSecurityGroupId": "ReferencedGroupId",
}
"""The kinds of peer, and where ModifySecurityGroupRules has them."""


class _Rule(Ec2Resource):
    """One rule of a group, either way."""

    missing = frozenset({"InvalidSecurityGroupRuleId.NotFound"})
    tag_type = "security-group-rule"
    egress: ClassVar[bool]

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        found = super().check(inputs) + exactly_one(inputs, _PEERS)
        protocol = inputs.get("ipProtocol")
        for key in ("fromPort", "toPort") if protocol is not None and not has_unknown(protocol) else ():
            if protocol_of(protocol) != ALL and key not in inputs:
                found.append((key, f'"{key}" is required for ipProtocol {protocol}'))
            if protocol_of(protocol) == ALL and inputs.get(key, -1) != -1 and not has_unknown(inputs[key]):
                found.append((key, f'"{key}" must be left out, or -1, for all protocols: AWS keeps none'))
        return found + address_range(inputs, "cidrIpv4") + address_range(inputs, "cidrIpv6")

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        if path == "ipProtocol":
            return protocol_of(old) == protocol_of(new)
        return same_range(old, new) if path == "cidrIpv6" else None

    @classmethod
    def replaces(cls, path: str, old: Properties, new: Properties) -> bool | None:
        # EC2 changes a peer, but not its kind
        return bool(old.get(path)) != bool(new.get(path)) if path in _PEERS else None

    def create(self, inputs: Properties) -> str:
        kind = next(name for name in _PEERS if inputs.get(name))
        protocol = protocol_of(inputs["ipProtocol"])
        rule = Permission(
            protocol,
            inputs.get("fromPort"),
            inputs.get("toPort"),
            kind,
            str(inputs[kind]),
            str(inputs.get("description") or ""),
        )
        act = getattr(self.client, f"authorize_security_group_{self._way}")
        group_id = inputs["securityGroupId"]
        answer = act(GroupId=group_id, IpPermissions=[rule.request(group_id)], **self.tag_specifications(inputs))
        rule_id = str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])
        self.call.made(rule_id)
        return rule_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        found = self.one("describe_security_group_rules", "SecurityGroupRules", SecurityGroupRuleIds=[resource_id])
        if found is None or bool(found["IsEgress"]) != self.egress:
            return None
        owner = str(found.get("GroupOwnerId", ""))
        referenced = found.get("ReferencedGroupInfo") or {}
        return {
            "id": resource_id,
            "securityGroupRuleId": resource_id,
            "arn": found.get("SecurityGroupRuleArn") or self.arn("security-group-rule", resource_id, owner),
            "securityGroupId": found["GroupId"],
            "ipProtocol": found["IpProtocol"],
            "fromPort": _port(found, "FromPort", state.get("fromPort")),
            "toPort": _port(found, "ToPort", state.get("toPort")),
            "cidrIpv4": found.get("CidrIpv4"),
            "cidrIpv6": found.get("CidrIpv6"),
            "prefixListId": found.get("PrefixListId"),
            "referencedSecurityGroupId": _group_id(referenced, owner),
            "description": found.get("Description"),
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)
        if not changed - {"tags"}:
            return
        protocol = protocol_of(new["ipProtocol"])
        ports = (-1, -1) if protocol == ALL else (new["fromPort"], new["toPort"])
        kind = next(name for name in _PEERS if new.get(name))
        rule = {
            "IpProtocol": protocol,
            "FromPort": ports[0],
            "ToPort": ports[1],
            _PEERS[kind]: str(new[kind]).rpartition("/")[2] if kind == "referencedSecurityGroupId" else new[kind],
            "Description": new.get("description") or "",
        }
        self.client.modify_security_group_rules(
            GroupId=old["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": resource_id, "SecurityGroupRule": rule}],
        )

    def delete(self, resource_id: str, state: Properties) -> None:
        act = getattr(self.client, f"revoke_security_group_{self._way}")
        self.tolerate(
            lambda: act(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[resource_id]),
            {_NO_RULE, *_NO_GROUP},
        )

    @property
    def _way(self) -> str:
        return "egress" if self.egress else "ingress"


def _port(found: Properties, key: str, known: Any) -> int | None:
    """EC2 says -1 for "all protocols", where a program may write -1 or nothing."""
    if found["IpProtocol"] == ALL:
        return -1 if known == -1 else None
    return int(found[key]) if key in found else None


def _group_id(referenced: dict[str, Any], owner: str) -> str | None:
    group_id, user = referenced.get("GroupId"), referenced.get("UserId", owner)
    return f"{user}/{group_id}" if group_id and owner and user != owner else group_id


class SecurityGroupIngressRule(_Rule):
    """A rule in."""

    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"  # noqa: S105
    egress = False


class SecurityGroupEgressRule(_Rule):
    """A rule out."""

    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"  # noqa: S105
    egress = True


KINDS: Final = (SecurityGroup, SecurityGroupIngressRule, SecurityGroupEgressRule)
