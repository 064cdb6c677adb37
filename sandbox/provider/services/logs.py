"""Log groups."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, retag
from sandbox.provider.core.values import Properties
from sandbox.provider.services.refusals import Failure, arn, only, unsupported

_RETENTIONS: Final = (
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""Days (CloudWatch Logs API Reference, PutRetentionPolicy); 0 keeps for ever."""
_GONE: Final = "ResourceNotFoundException"


class LogGroup(Resource):
    """A log group."""

    token = "aws:cloudwatch/logGroup:LogGroup"  # noqa: S105
    service = "logs"
    defaults: ClassVar = {"retentionInDays": 0, "skipDestroy": False}
    also_computed = frozenset({"arn", "namePrefix", "tagsAll"})
    write_only = frozenset({"namePrefix", "skipDestroy"})
    state_only = frozenset({"skipDestroy"})
    conflicts = (frozenset({"name", "namePrefix"}),)

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        found = only(inputs, "retentionInDays", _RETENTIONS) + only(inputs, "logGroupClass", ("STANDARD",))
        if inputs.get("deletionProtectionEnabled"):
            found += unsupported(inputs, ("deletionProtectionEnabled",))
        return found + arn(inputs, "kmsKeyId")

    @classmethod
    def unknown_after(cls, changed: frozenset[str]) -> frozenset[str]:
        return frozenset({"tagsAll"}) if "tags" in changed else frozenset()

    def create(self, inputs: Properties) -> str:
        name = str(inputs["name"])
        request = {
            theirs: inputs[ours]
            for ours, theirs in (("kmsKeyId", "kmsKeyId"), ("logGroupClass", "logGroupClass"), ("tags", "tags"))
            if inputs.get(ours)
        }
        self.client.create_log_group(logGroupName=name, **request)
        self.call.made(name)
        if inputs["retentionInDays"]:
            self.client.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
        return name

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self._find(resource_id)
        if found is None:
            return None
        group_arn = found["arn"].removesuffix(":*")
        answer = self.client.list_tags_for_resource(resourceArn=group_arn)
        tags = {key: value for key, value in answer.get("tags", {}).items() if not key.startswith("aws:")}
        return {
            "id": resource_id,
            "name": resource_id,
            "arn": group_arn,
            "kmsKeyId": found.get("kmsKeyId"),
            "logGroupClass": found.get("logGroupClass"),
            "deletionProtectionEnabled": found.get("deletionProtectionEnabled"),
            "retentionInDays": found.get("retentionInDays", 0),
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            retag(
                old,
                new,
                lambda removed: self.client.untag_resource(resourceArn=old["arn"], tagKeys=removed),
                lambda added: self.client.tag_resource(resourceArn=old["arn"], tags=added),
            )
        if "retentionInDays" in changed:
            if new["retentionInDays"]:
                self.client.put_retention_policy(logGroupName=resource_id, retentionInDays=new["retentionInDays"])
            else:
                self.client.delete_retention_policy(logGroupName=resource_id)
        if "kmsKeyId" in changed:
            if new.get("kmsKeyId"):
                self.client.associate_kms_key(logGroupName=resource_id, kmsKeyId=new["kmsKeyId"])
            else:
                self.client.disassociate_kms_key(logGroupName=resource_id)

    def delete(self, resource_id: str, state: Properties) -> None:
        if state.get("skipDestroy"):
            return
        try:
            # aborted while another operation on the group is under way
            self.call.retry_on(
                ("OperationAbortedException",),
                lambda: self.client.delete_log_group(logGroupName=resource_id),
                seconds=60.0,
            )
        except ClientError as error:
            if code_of(error) != _GONE:
                raise

    def _find(self, name: str) -> dict[str, Any] | None:
        # the name may be the beginning of other names
        for page in self.client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name):
            for group in page["logGroups"]:
                if group["logGroupName"] == name:
                    return dict(group)
        return None


KINDS: Final = (LogGroup,)
