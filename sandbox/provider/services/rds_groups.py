"""RDS subnet groups and parameter groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, retag, tag_list, tag_map
from sandbox.provider.core.values import Properties, Unknown
from sandbox.provider.services.refusals import Failure

_BATCH: Final = 20
"""Parameters that one ModifyDBParameterGroup takes (API reference)."""
_DESCRIPTION: Final = "Managed by Pulumi"


class Group(Resource):
    """What the two have in common: a name that makes the id, a description, tags by ARN."""

    service = "rds"
    also_computed = frozenset({"namePrefix", "tagsAll"})
    conflicts = (frozenset({"name", "namePrefix"}),)

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        return [
            (key, f'"{key}" ({inputs[key]}) must be lower-case: RDS stores group names so')
            for key in ("name", "namePrefix")
            if isinstance(inputs.get(key), str) and inputs[key] != inputs[key].lower()
        ]

    def tags_of(self, arn: str) -> dict[str, str]:
        return tag_map(self.client.list_tags_for_resource(ResourceName=arn)["TagList"])

    def retag(self, old: Properties, new: Properties) -> None:
        retag(
            old,
            new,
            lambda removed: self.client.remove_tags_from_resource(ResourceName=old["arn"], TagKeys=removed),
            lambda added: self.client.add_tags_to_resource(ResourceName=old["arn"], Tags=tag_list(added)),
        )


class SubnetGroup(Group):
    """The subnets in which a database may stand."""

    token = "aws:rds/subnetGroup:SubnetGroup"  # noqa: S105
    defaults: ClassVar = {"description": _DESCRIPTION}
    unordered = frozenset({"subnetIds"})
    write_only = frozenset({"namePrefix"})

    def create(self, inputs: Properties) -> str:
        name = str(inputs["name"])
        self.client.create_db_subnet_group(
            DBSubnetGroupName=name,
            DBSubnetGroupDescription=inputs["description"],
            SubnetIds=inputs["subnetIds"],
            Tags=tag_list(inputs.get("tags")),
        )
        self.call.made(name)
        return name

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self._find(resource_id)
        if found is None:
            return None
        tags = self.tags_of(found["DBSubnetGroupArn"])
        return {
            "id": resource_id,
            "name": found["DBSubnetGroupName"],
            "arn": found["DBSubnetGroupArn"],
            "description": found.get("DBSubnetGroupDescription", ""),
            "subnetIds": sorted(subnet["SubnetIdentifier"] for subnet in found.get("Subnets", [])),
            "supportedNetworkTypes": found.get("SupportedNetworkTypes") or ["IPV4"],
            "vpcId": found.get("VpcId", ""),
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(old, new)
        if changed & {"subnetIds", "description"}:
            self.client.modify_db_subnet_group(
                DBSubnetGroupName=resource_id,
                DBSubnetGroupDescription=new["description"],
                SubnetIds=new["subnetIds"],
            )

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        try:
            self.client.delete_db_subnet_group(DBSubnetGroupName=resource_id)
        except ClientError as error:
            if code_of(error) == "DBSubnetGroupNotFoundFault":
                return
            raise
        self.call.wait(
            f"the deletion of the subnet group {resource_id}", lambda: (self._find(resource_id) is None, "still there")
        )

    def _find(self, name: str) -> dict[str, Any] | None:
        try:
            found = self.client.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"]
        except ClientError as error:
            if code_of(error) in {"DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound"}:
                return None
            raise
        return found[0] if found else None


class ParameterGroup(Group):
    """A server's parameters. Only those that the program lists, or that somebody set, are in the state."""

    token = "aws:rds/parameterGroup:ParameterGroup"  # noqa: S105
    defaults: ClassVar = {"description": _DESCRIPTION, "skipDestroy": False}
    unordered = frozenset({"parameters"})
    write_only = frozenset({"namePrefix", "skipDestroy"})
    state_only = frozenset({"skipDestroy"})

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        # how a parameter is applied is no difference, only what it is
        if path == "parameters":
            return bool(_values(old) == _values(new))
        return None

    def create(self, inputs: Properties) -> str:
        name = str(inputs["name"])
        self.client.create_db_parameter_group(
            DBParameterGroupName=name,
            DBParameterGroupFamily=inputs["family"],
            Description=inputs["description"],
            Tags=tag_list(inputs.get("tags")),
        )
        self.call.made(name)
        self._set(name, inputs.get("parameters") or [])
        return name

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        try:
            groups = self.client.describe_db_parameter_groups(DBParameterGroupName=resource_id)["DBParameterGroups"]
        except ClientError as error:
            if code_of(error) in {"DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"}:
                return None
            raise
        if not groups:
            return None
        found = groups[0]
        tags = self.tags_of(found["DBParameterGroupArn"])
        return {
            "id": resource_id,
            "name": found["DBParameterGroupName"],
            "arn": found["DBParameterGroupArn"],
            "description": found.get("Description", ""),
            "family": found["DBParameterGroupFamily"],
            "parameters": self._parameters(resource_id, state.get("parameters") or []),
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(old, new)
        if "parameters" in changed:
            before, after = old.get("parameters") or [], new.get("parameters") or []
            was, wanted = _values(before), _values(after)
            self._set(resource_id, [item for item in after if was.get(_key(item)) != item["value"]])
            self._reset(resource_id, [item for item in before if _key(item) not in wanted])

    def delete(self, resource_id: str, state: Properties) -> None:
        if state.get("skipDestroy"):
            return
        try:
            # an instance that used it may still be going away
            self.call.retry_on(
                ("InvalidDBParameterGroupState", "InvalidDBParameterGroupStateFault"),
                lambda: self.client.delete_db_parameter_group(DBParameterGroupName=resource_id),
                seconds=180.0,
            )
        except ClientError as error:
            if code_of(error) not in {"DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"}:
                raise

    def _set(self, group: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        # what applies at once goes first: a later parameter may depend on it
        ordered = sorted(parameters, key=lambda item: (_method(item) != "immediate", item["name"]))
        for batch in _batches(ordered):
            listed = [
                {"ParameterName": item["name"], "ParameterValue": item["value"], "ApplyMethod": _method(item)}
                for item in batch
            ]
            self.client.modify_db_parameter_group(DBParameterGroupName=group, Parameters=listed)

    def _reset(self, group: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        for batch in _batches(parameters):
            listed = [{"ParameterName": item["name"], "ApplyMethod": _method(item)} for item in batch]
            self.client.reset_db_parameter_group(DBParameterGroupName=group, Parameters=listed)

    def _parameters(self, group: str, known: Sequence[Mapping[str, Any]]) -> list[Properties]:
        named = {_key(item): str(item["name"]) for item in known}
        found = self._listed(group, named, {"Source": "user"})
        if set(named) - {_key(item) for item in found}:
            # set to what it is anyway: RDS does not count it as the user's
            found = self._listed(group, named, {})
        return sorted(found, key=lambda item: str(item["name"]))

    def _listed(self, group: str, named: Mapping[str, str], only: Mapping[str, str]) -> list[Properties]:
        pages = self.client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group, **only)
        found = []
        for page in pages:
            for item in page["Parameters"]:
                name, value = str(item["ParameterName"]), item.get("ParameterValue")
                if value is None or (item.get("Source") != "user" and name.lower() not in named):
                    continue
                spelled = named.get(name.lower(), name)
                found.append({"name": spelled, "value": value, "applyMethod": item.get("ApplyMethod", "immediate")})
        return found


def _key(parameter: Mapping[str, Any]) -> str:
    return str(parameter["name"]).lower()


def _method(parameter: Mapping[str, Any]) -> str:
    return str(parameter.get("applyMethod") or "immediate")


def _values(parameters: Any) -> dict[str, str]:
    listed = parameters if isinstance(parameters, list) else []
    return {_key(item): str(item.get("value", "")) for item in listed if not isinstance(item, Unknown)}


def _batches(parameters: Sequence[Mapping[str, Any]]) -> list[Sequence[Mapping[str, Any]]]:
    return [parameters[start : start + _BATCH] for start in range(0, len(parameters), _BATCH)]
