"""EC2, where moto forgets what a client said: the descriptions of rules between security groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import moto.ec2.urls
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.security_groups import SecurityGroupRule

from sandbox.cloud.context import CloudContext


class Backend(EC2Backend):  # type: ignore[misc]  # moto is not typed
    """A rule has one description, whatever its peer is (EC2 API Reference, SecurityGroupRule)."""

    @property
    def _url_module(self) -> ModuleType:
        return moto.ec2.urls

    def _iterate_security_rules(self, *arguments: Any, **named: Any) -> Iterator[SecurityGroupRule]:
        prefix_lists = named.get("prefix_list_ids") or (arguments[6] if len(arguments) > 6 else [])
        said = {item["PrefixListId"]: item.get("Description") for item in prefix_lists}
        for rule in super()._iterate_security_rules(*arguments, **named):
            description = rule.source_group.get("Description") or said.get(rule.prefix_list_id)
            if description:
                rule.ip_range["Description"] = description
            yield rule

    def modify_security_group_rules(self, group_id: str, rules: Mapping[str, Mapping[str, str]]) -> None:
        super().modify_security_group_rules(group_id, rules)
        for rule in self.describe_security_group_rules(sg_rule_ids=list(rules), filters={}):
            if rule.source_group:  # DescribeSecurityGroups shows it there
                rule.source_group["Description"] = rule.ip_range.get("Description", "")


def register(context: CloudContext) -> None:
    """Make moto use this backend from now on. Call it before anything asks moto for EC2."""
    del context
    ec2_backends.backend = Backend
