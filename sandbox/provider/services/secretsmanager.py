"""Secrets Manager: secrets and their versions. No value of a secret is ever part of a message."""

from __future__ import annotations

import base64
import binascii
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, retag, tag_list, tag_map
from sandbox.provider.core.values import Properties, Unknown
from sandbox.provider.services.refusals import texts, unsupported

_CURRENT: Final = "AWSCURRENT"
_DEFAULT_KEY: Final = "alias/aws/secretsmanager"
"""What a replica is encrypted with when the program names no key."""


class Secret(Resource):
    """A secret without its value; replicas in other regions are made and removed through this one."""

    token = "aws:secretsmanager/secret:Secret"  # noqa: S105
    service = "secretsmanager"
    defaults: ClassVar = {"recoveryWindowInDays": 30, "forceOverwriteReplicaSecret": False}
    also_computed = frozenset({"replicas", "namePrefix", "tagsAll"})
    unordered = frozenset({"replicas"})
    owned = frozenset({"replicas"})
    json_documents = frozenset({"policy"})
    write_only = frozenset({"recoveryWindowInDays", "forceOverwriteReplicaSecret", "namePrefix"})
    state_only = frozenset({"recoveryWindowInDays", "forceOverwriteReplicaSecret"})
    conflicts = (frozenset({"name", "namePrefix"}),)

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        found = unsupported(inputs, ("type",))
        window = inputs["recoveryWindowInDays"]
        if not isinstance(window, Unknown) and window != 0 and not 7 <= window <= 30:
            found.append(
                ("recoveryWindowInDays", f'"recoveryWindowInDays" must be 0 or in the range (7 - 30), got {window}')
            )
        return found

    def create(self, inputs: Properties) -> str:
        request: dict[str, Any] = {
            "Name": inputs["name"],
            "Description": inputs.get("description", ""),
            "ForceOverwriteReplicaSecret": inputs["forceOverwriteReplicaSecret"],
        }
        if inputs.get("kmsKeyId"):
            request["KmsKeyId"] = inputs["kmsKeyId"]
        if inputs.get("tags"):
            request["Tags"] = tag_list(inputs["tags"])
        if inputs.get("replicas"):
            request["AddReplicaRegions"] = [_replica_request(item) for item in inputs["replicas"]]
        made = self.call.retry_on(
            ("InvalidRequestException",),
            lambda: self.client.create_secret(**request),
            message="scheduled for deletion",
        )
        arn = str(made["ARN"])
        self.call.made(arn)
        if inputs.get("policy"):
            self._put_policy(arn, inputs["policy"])
        return arn

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        try:
            found = self.client.describe_secret(SecretId=resource_id)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise
        if found.get("DeletedDate"):
            return None
        policy = self.client.get_resource_policy(SecretId=resource_id).get("ResourcePolicy", "")
        tags = tag_map(found.get("Tags"))
        return {
            "id": found["ARN"],
            "arn": found["ARN"],
            "name": found["Name"],
            "description": found.get("Description", ""),
            "kmsKeyId": found.get("KmsKeyId", ""),
            "policy": policy,
            "replicas": [_replica(item) for item in found.get("ReplicationStatus", [])],
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "replicas" in changed:
            self._change_replicas(resource_id, old, new)
        if changed & {"description", "kmsKeyId"}:
            # a cleared key is not sent: the old one stays, as AWS has it
            key = {"KmsKeyId": new["kmsKeyId"]} if new.get("kmsKeyId") else {}
            self.client.update_secret(SecretId=resource_id, Description=new.get("description", ""), **key)
        if "policy" in changed:
            if new.get("policy") in (None, "", "{}"):
                self.client.delete_resource_policy(SecretId=resource_id)
            else:
                self._put_policy(resource_id, new["policy"])
        if "tags" in changed:
            retag(
                old,
                new,
                lambda removed: self.client.untag_resource(SecretId=resource_id, TagKeys=removed),
                lambda added: self.client.tag_resource(SecretId=resource_id, Tags=tag_list(added)),
            )

    def delete(self, resource_id: str, state: Properties) -> None:
        window = state.get("recoveryWindowInDays", 30)
        request = {"RecoveryWindowInDays": window} if window else {"ForceDeleteWithoutRecovery": True}
        try:
            regions = [item["region"] for item in state.get("replicas") or []]
            if regions:
                self.client.remove_regions_from_replication(SecretId=resource_id, RemoveReplicaRegions=regions)
            self.client.delete_secret(SecretId=resource_id, **request)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise

    def _put_policy(self, arn: str, policy: str) -> None:
        # a principal that the policy names may not have arrived everywhere yet
        self.call.retry_on(
            ("MalformedPolicyDocumentException",),
            lambda: self.client.put_resource_policy(SecretId=arn, ResourcePolicy=policy),
            message="This resource policy contains an unsupported principal",
        )

    def _change_replicas(self, arn: str, old: Properties, new: Properties) -> None:
        before = {(item["region"], item.get("kmsKeyId") or "") for item in old.get("replicas") or []}
        after = {(item["region"], item.get("kmsKeyId") or "") for item in new.get("replicas") or []}
        removed = sorted(region for region, _ in before - after)
        added = [{"region": region, "kmsKeyId": key} for region, key in sorted(after - before)]
        if removed:
            self.client.remove_regions_from_replication(SecretId=arn, RemoveReplicaRegions=removed)
        if added:
            self.client.replicate_secret_to_regions(
                SecretId=arn,
                AddReplicaRegions=[_replica_request(item) for item in added],
                ForceOverwriteReplicaSecret=new["forceOverwriteReplicaSecret"],
            )


class SecretVersion(Resource):
    """A secret's value. A new value is a new version; deleting a version never removes the current value."""

    token = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105
    service = "secretsmanager"
    secrets = frozenset({"secretString", "secretBinary"})
    unordered = frozenset({"versionStages"})
    conflicts = (frozenset({"secretString", "secretBinary"}),)

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        found = unsupported(inputs, ("secretStringWo", "secretStringWoVersion"), "use secretString")
        found += texts(inputs, ("secretString", "secretBinary"))
        binary = inputs.get("secretBinary")
        if isinstance(binary, str):
            try:
                base64.b64decode(binary, validate=True)
            except binascii.Error:
                found.append(("secretBinary", '"secretBinary" must be base64 text'))
        return found

    def create(self, inputs: Properties) -> str:
        request: dict[str, Any] = {"SecretId": inputs["secretId"]}
        if "secretString" in inputs:
            request["SecretString"] = inputs["secretString"]
        if "secretBinary" in inputs:
            request["SecretBinary"] = base64.b64decode(inputs["secretBinary"], validate=True)
        if inputs.get("versionStages"):
            request["VersionStages"] = inputs["versionStages"]
        made = self.client.put_secret_value(**request)
        resource_id = f"{inputs['secretId']}|{made['VersionId']}"
        self.call.made(resource_id)
        return resource_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        secret_id, _, version = resource_id.rpartition("|")
        try:
            found = self.client.get_secret_value(SecretId=secret_id, VersionId=version)
        except ClientError as error:
            marked = code_of(error) == "InvalidRequestException" and "deletion" in str(error)
            if code_of(error) == "ResourceNotFoundException" or marked:
                return None
            raise
        binary = found.get("SecretBinary")
        return {
            "id": resource_id,
            "secretId": secret_id,
            "arn": found["ARN"],
            "secretArn": found["ARN"],
            "versionId": version,
            "versionStages": sorted(found.get("VersionStages", [])),
            "secretString": found.get("SecretString", ""),
            "secretBinary": base64.b64encode(binary).decode() if binary else "",
            "hasSecretStringWo": False,
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        del changed
        secret_id, _, version = resource_id.rpartition("|")
        before, after = set(old.get("versionStages") or []), set(new.get("versionStages") or [])
        for stage in sorted(after - before):
            request = {"MoveToVersionId": version}
            holder = self._holder(secret_id, stage)
            if holder:
                request["RemoveFromVersionId"] = holder
            self.client.update_secret_version_stage(SecretId=secret_id, VersionStage=stage, **request)
        for stage in sorted(before - after - {_CURRENT}):
            self.client.update_secret_version_stage(SecretId=secret_id, VersionStage=stage, RemoveFromVersionId=version)

    def delete(self, resource_id: str, state: Properties) -> None:
        secret_id, _, version = resource_id.rpartition("|")
        for stage in state.get("versionStages") or []:
            if stage == _CURRENT:
                continue  # only a newer version can take it away
            try:
                self.client.update_secret_version_stage(
                    SecretId=secret_id, VersionStage=stage, RemoveFromVersionId=version
                )
            except ClientError as error:
                if code_of(error) not in {"ResourceNotFoundException", "InvalidRequestException"}:
                    raise

    def _holder(self, secret_id: str, stage: str) -> str | None:
        stages = self.client.describe_secret(SecretId=secret_id).get("VersionIdsToStages", {})
        return next((version for version, names in stages.items() if stage in names), None)


def _replica_request(item: Properties) -> dict[str, str]:
    key = {"KmsKeyId": item["kmsKeyId"]} if item.get("kmsKeyId") else {}
    return {"Region": item["region"], **key}


def _replica(item: Properties) -> Properties:
    accessed = item.get("LastAccessedDate")
    key = item.get("KmsKeyId", "")
    return {
        "region": item["Region"],
        "kmsKeyId": "" if key == _DEFAULT_KEY else key,
        "status": item.get("Status", ""),
        "statusMessage": item.get("StatusMessage", ""),
        "lastAccessedDate": accessed.isoformat() if accessed else "",
    }


KINDS: Final = (Secret, SecretVersion)
