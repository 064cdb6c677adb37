"""A bucket's protections: versioning, encryption, public access block, policy, ownership, Object Lock."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import ResourceError
from sandbox.provider.core.values import Properties, Unknown
from sandbox.provider.services.refusals import only
from sandbox.provider.services.s3_setting import BucketSetting
from sandbox.provider.services.s3_wire import from_aws, to_aws

_FLAGS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


class BucketVersioning(BucketSetting):
    """Versioning. Deleting the resource suspends it: a bucket never becomes unversioned again."""

    token = "aws:s3/bucketVersioning:BucketVersioning"  # noqa: S105
    owned = frozenset({"versioningConfiguration"})
    write_only = frozenset({"mfa"})

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        wanted = inputs.get("versioningConfiguration")
        if wanted is None or isinstance(wanted, Unknown):
            return []
        return only(wanted, "status", ("Enabled", "Suspended", "Disabled"))

    @classmethod
    def replaces(cls, path: str, old: Properties, new: Properties) -> bool | None:
        if path == "versioningConfiguration.status":
            before, after = (_status(properties) for properties in (old, new))
            if after == "Disabled" and before in {"Enabled", "Suspended"}:
                raise ResourceError(
                    f"versioningConfiguration.status cannot be changed from {before} to Disabled: use Suspended, or "
                    "make a new bucket"
                )
        return None

    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        wanted = to_aws(inputs["versioningConfiguration"])
        if wanted["Status"] == "Disabled":
            return  # as every new bucket is
        mfa = {"MFA": inputs["mfa"]} if inputs.get("mfa") else {}
        self.client.put_bucket_versioning(**place, VersioningConfiguration=wanted, **mfa)

    def get(self, place: dict[str, Any]) -> Properties | None:
        found = self.client.get_bucket_versioning(**place)
        configuration = {"status": found.get("Status", "Disabled")}
        if found.get("MFADelete"):
            configuration["mfaDelete"] = found["MFADelete"]
        return {"versioningConfiguration": configuration}

    def remove(self, place: dict[str, Any], state: Properties) -> None:
        if _status(state) == "Disabled":
            return
        try:
            self.client.put_bucket_versioning(**place, VersioningConfiguration={"Status": "Suspended"})
        except ClientError as error:
            locked = code_of(error) == "InvalidBucketState" and "Object Lock" in str(error)
            if not locked:  # a bucket with Object Lock stays versioned
                raise


class BucketServerSideEncryptionConfiguration(BucketSetting):
    """Default encryption. Deleting it leaves S3's own (SSE-S3)."""

    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"  # noqa: S105
    unordered = frozenset({"rules"})
    owned = frozenset({"rules"})
    missing = frozenset({"ServerSideEncryptionConfigurationNotFoundError"})

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        rules = inputs.get("rules")
        if not isinstance(rules, list):
            return []
        return [
            ("rules", '"rules[].blockedEncryptionTypes" is not supported by the sandbox\'s provider: remove it')
            for rule in rules
            if isinstance(rule, dict) and rule.get("blockedEncryptionTypes")
        ]

    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        self.client.put_bucket_encryption(**place, ServerSideEncryptionConfiguration={"Rules": to_aws(inputs["rules"])})

    def get(self, place: dict[str, Any]) -> Properties | None:
        found = self.client.get_bucket_encryption(**place)["ServerSideEncryptionConfiguration"]
        rules = [
            {key: value for key, value in rule.items() if key != "BlockedEncryptionTypes"} for rule in found["Rules"]
        ]
        return {"rules": from_aws(rules)}

    def remove(self, place: dict[str, Any], state: Properties) -> None:
        del state
        self.client.delete_bucket_encryption(**place)


class BucketPublicAccessBlock(BucketSetting):
    """The four switches against public access, always written together."""

    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"  # noqa: S105
    defaults: ClassVar = dict.fromkeys(_FLAGS, False)
    write_only = frozenset({"skipDestroy"})
    state_only = frozenset({"skipDestroy"})
    missing = frozenset({"NoSuchPublicAccessBlockConfiguration"})

    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        flags = {key: inputs[key] for key in _FLAGS}
        self.client.put_public_access_block(**place, PublicAccessBlockConfiguration=to_aws(flags))

    def get(self, place: dict[str, Any]) -> Properties | None:
        found = self.client.get_public_access_block(**place)["PublicAccessBlockConfiguration"]
        return {**dict.fromkeys(_FLAGS, False), **from_aws(found)}

    def remove(self, place: dict[str, Any], state: Properties) -> None:
        if not state.get("skipDestroy"):
            self.client.delete_public_access_block(**place)


class BucketPolicy(BucketSetting):
    """The bucket's policy; two texts of the same meaning are no difference."""

    token = "aws:s3/bucketPolicy:BucketPolicy"  # noqa: S105
    json_documents = frozenset({"policy"})
    missing = frozenset({"NoSuchBucketPolicy"})
    # a principal that the policy names may not have arrived everywhere yet
    retried = BucketSetting.retried | {"MalformedPolicy"}

    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        self.client.put_bucket_policy(**place, Policy=inputs["policy"])

    def get(self, place: dict[str, Any]) -> Properties | None:
        return {"policy": self.client.get_bucket_policy(**place)["Policy"]}

    def remove(self, place: dict[str, Any], state: Properties) -> None:
        del state
        self.client.delete_bucket_policy(**place)


class BucketOwnershipControls(BucketSetting):
    """Who owns the objects that others write."""

    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"  # noqa: S105
    missing = frozenset({"OwnershipControlsNotFoundError"})

    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        self.client.put_bucket_ownership_controls(**place, OwnershipControls={"Rules": [to_aws(inputs["rule"])]})

    def get(self, place: dict[str, Any]) -> Properties | None:
        rules = self.client.get_bucket_ownership_controls(**place)["OwnershipControls"]["Rules"]
        return {"rule": from_aws(rules[0])}

    def remove(self, place: dict[str, Any], state: Properties) -> None:
        del state
        self.client.delete_bucket_ownership_controls(**place)


class BucketObjectLockConfiguration(BucketSetting):
    """Object Lock's default retention. Object Lock itself cannot be switched off: deleting removes the default only."""

    token = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"  # noqa: S105
    defaults: ClassVar = {"objectLockEnabled": "Enabled"}
    owned = frozenset({"rule"})
    write_only = frozenset({"token"})
    missing = frozenset({"ObjectLockConfigurationNotFoundError"})

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        return only(inputs, "objectLockEnabled", ("Enabled",))

    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        wanted: dict[str, Any] = {"ObjectLockEnabled": inputs["objectLockEnabled"]}
        if inputs.get("rule"):
            wanted["Rule"] = to_aws(inputs["rule"])
        token = {"Token": inputs["token"]} if inputs.get("token") else {}
        self.client.put_object_lock_configuration(**place, ObjectLockConfiguration=wanted, **token)

    def get(self, place: dict[str, Any]) -> Properties | None:
        found = self.client.get_object_lock_configuration(**place)["ObjectLockConfiguration"]
        return {"objectLockEnabled": found["ObjectLockEnabled"], "rule": from_aws(found.get("Rule", {}))}

    def remove(self, place: dict[str, Any], state: Properties) -> None:
        del state
        self.client.put_object_lock_configuration(**place, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


def _status(properties: Properties) -> str:
    configuration = properties.get("versioningConfiguration")
    return str(configuration.get("status", "")) if isinstance(configuration, dict) else ""


KINDS: Final = (
    BucketVersioning,
    BucketServerSideEncryptionConfiguration,
    BucketPublicAccessBlock,
    BucketPolicy,
    BucketOwnershipControls,
    BucketObjectLockConfiguration,
)
