"""KMS keys and their aliases."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, ResourceError, retag
from sandbox.provider.core.values import Properties, Unknown
from sandbox.provider.services.refusals import between, only, unsupported

_GONE: Final = frozenset({"PendingDeletion", "PendingReplicaDeletion"})
_ROTATABLE: Final = "SYMMETRIC_DEFAULT"
"""The only key spec for which KMS rotates by itself (KMS Developer Guide, "Rotate AWS KMS keys")."""


class Key(Resource):
    """A customer-managed key. Deleting it schedules its deletion, which counts as gone."""

    token = "aws:kms/key:Key"  # noqa: S105
    service = "kms"
    defaults: ClassVar = {
        "customerMasterKeySpec": _ROTATABLE,
        "keyUsage": "ENCRYPT_DECRYPT",
        "enableKeyRotation": False,
        "isEnabled": True,
        "bypassPolicyLockoutSafetyCheck": False,
    }
    also_computed = frozenset({"description", "tagsAll"})
    json_documents = frozenset({"policy"})
    write_only = frozenset({"deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"})
    state_only = write_only

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        found = unsupported(inputs, ("customKeyStoreId", "xksKeyId"))
        found += only(inputs, "keyUsage", ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"))
        found += between(inputs, "deletionWindowInDays", 7, 30)
        found += between(inputs, "rotationPeriodInDays", 90, 2560)
        if "rotationPeriodInDays" in inputs and inputs.get("enableKeyRotation") is False:
            found.append(("rotationPeriodInDays", '"rotationPeriodInDays" needs enableKeyRotation to be true'))
        return found

    def create(self, inputs: Properties) -> str:
        request: dict[str, Any] = {
            "KeySpec": inputs["customerMasterKeySpec"],
            "KeyUsage": inputs["keyUsage"],
            "BypassPolicyLockoutSafetyCheck": inputs["bypassPolicyLockoutSafetyCheck"],
        }
        for name, key in (("Description", "description"), ("MultiRegion", "multiRegion"), ("Policy", "policy")):
            if key in inputs:
                request[name] = inputs[key]
        if inputs.get("tags"):
            request["Tags"] = _tag_list(inputs["tags"])
        # a role that the policy names may not have arrived everywhere yet
        made = self.call.retry_on(("MalformedPolicyDocumentException",), lambda: self.client.create_key(**request))
        key_id = str(made["KeyMetadata"]["KeyId"])
        self.call.made(key_id)
        if inputs["enableKeyRotation"]:
            self._rotate(key_id, inputs)
        if not inputs["isEnabled"]:
            self.client.disable_key(KeyId=key_id)
        return key_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        try:
            found = self.client.describe_key(KeyId=resource_id)["KeyMetadata"]
        except ClientError as error:
            if code_of(error) == "NotFoundException":
                return None
            raise
        if found["KeyState"] in _GONE:
            return None
        if found.get("MultiRegionConfiguration", {}).get("MultiRegionKeyType") == "REPLICA":
            raise ResourceError(f"{resource_id} is not a multi-Region primary key: use kms.ReplicaKey for it")
        key_id = found["KeyId"]
        spec = found.get("KeySpec", found.get("CustomerMasterKeySpec", _ROTATABLE))
        policy = self.client.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
        rotation = self.client.get_key_rotation_status(KeyId=key_id) if spec == _ROTATABLE else {}
        tags = _tags_of(self.client.list_resource_tags(KeyId=key_id).get("Tags", []))
        return {
            "id": key_id,
            "keyId": key_id,
            "arn": found["Arn"],
            "description": found.get("Description", ""),
            "customerMasterKeySpec": spec,
            "keyUsage": found["KeyUsage"],
            "isEnabled": found["Enabled"],
            "multiRegion": found.get("MultiRegion", False),
            "policy": policy,
            "enableKeyRotation": rotation.get("KeyRotationEnabled", False),
            "rotationPeriodInDays": rotation.get("RotationPeriodInDays"),
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            retag(
                old,
                new,
                lambda removed: self.client.untag_resource(KeyId=resource_id, TagKeys=removed),
                lambda added: self.client.tag_resource(KeyId=resource_id, Tags=_tag_list(added)),
            )
        if "isEnabled" in changed and new["isEnabled"]:
            # first: a disabled key refuses the other changes
            self.client.enable_key(KeyId=resource_id)
        if changed & {"enableKeyRotation", "rotationPeriodInDays"}:
            self._rotate(resource_id, new)
        if "description" in changed:
            self.client.update_key_description(KeyId=resource_id, Description=new.get("description", ""))
        if "policy" in changed:
            self.call.retry_on(
                ("MalformedPolicyDocumentException",),
                lambda: self.client.put_key_policy(
                    KeyId=resource_id,
                    PolicyName="default",
                    Policy=new["policy"],
                    BypassPolicyLockoutSafetyCheck=new["bypassPolicyLockoutSafetyCheck"],
                ),
            )
        if "isEnabled" in changed and not new["isEnabled"]:
            self.client.disable_key(KeyId=resource_id)

    def delete(self, resource_id: str, state: Properties) -> None:
        window = state.get("deletionWindowInDays")
        request = {"PendingWindowInDays": window} if window else {}
        try:
            self.client.schedule_key_deletion(KeyId=resource_id, **request)
        except ClientError as error:
            pending = code_of(error) == "KMSInvalidStateException" and "pending deletion" in str(error)
            if code_of(error) != "NotFoundException" and not pending:
                raise

    def _rotate(self, key_id: str, inputs: Properties) -> None:
        if not inputs["enableKeyRotation"]:
            self.client.disable_key_rotation(KeyId=key_id)
            return
        period = inputs.get("rotationPeriodInDays")
        request = {"RotationPeriodInDays": period} if period else {}
        self.client.enable_key_rotation(KeyId=key_id, **request)


class Alias(Resource):
    """A name of a key."""

    token = "aws:kms/alias:Alias"  # noqa: S105
    service = "kms"
    made_name_prefix = "alias/"
    also_computed = frozenset({"namePrefix"})
    write_only = frozenset({"namePrefix"})
    conflicts = (frozenset({"name", "namePrefix"}),)

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        found = []
        for key in ("name", "namePrefix"):
            value = inputs.get(key)
            if value is None or isinstance(value, Unknown):
                continue
            if not re.fullmatch(r"alias/[a-zA-Z0-9/_-]+", value) or value.startswith("alias/aws/"):
                rule = 'must begin with "alias/", hold only letters, digits and / _ -, and not begin with "alias/aws/"'
                found.append((key, f'"{key}" ({value}) {rule}'))
        return found

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        # a key id and the ARN of the same key
        if path == "targetKeyId":
            return str(old).rpartition("/")[2] == str(new).rpartition("/")[2]
        return None

    def create(self, inputs: Properties) -> str:
        name = str(inputs["name"])
        self.call.retry_on(
            ("NotFoundException",),
            lambda: self.client.create_alias(AliasName=name, TargetKeyId=inputs["targetKeyId"]),
        )
        self.call.made(name)
        return name

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        try:
            key = self.client.describe_key(KeyId=resource_id)["KeyMetadata"]
        except ClientError as error:
            if code_of(error) == "NotFoundException":
                return None
            raise
        return {
            "id": resource_id,
            "name": resource_id,
            "arn": f"{key['Arn'].rpartition(':')[0]}:{resource_id}",
            "targetKeyArn": key["Arn"],
            "targetKeyId": key["KeyId"],
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        del old, changed
        self.client.update_alias(AliasName=resource_id, TargetKeyId=new["targetKeyId"])

    @classmethod
    def unknown_after(cls, changed: frozenset[str]) -> frozenset[str]:
        return frozenset({"targetKeyArn"}) if "targetKeyId" in changed else frozenset()

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        try:
            self.client.delete_alias(AliasName=resource_id)
        except ClientError as error:
            if code_of(error) != "NotFoundException":
                raise


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    # KMS alone writes its tags this way
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(tags.items())]


def _tags_of(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["TagKey"]: tag["TagValue"] for tag in tags if not tag["TagKey"].startswith("aws:")}


KINDS: Final = (Key, Alias)
