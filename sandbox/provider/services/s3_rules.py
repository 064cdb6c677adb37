"""What a bucket does with its objects by itself: lifecycle, replication, access logs."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sandbox.provider.core.values import Properties
from sandbox.provider.services.refusals import only, unsupported
from sandbox.provider.services.s3_setting import BucketSetting
from sandbox.provider.services.s3_wire import essence, from_aws, to_aws

_ALL_SIZES: Final = "all_storage_classes_128K"
"""What S3 answers for buckets without a choice of their own (S3 API, PutBucketLifecycleConfiguration)."""


class BucketLifecycleConfiguration(BucketSetting):
    """Expiry and transitions. S3 takes a while to answer with what was written, so a put ends when it does."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"  # noqa: S105
    also_computed = frozenset({"transitionDefaultMinimumObjectSize"})
    unordered = frozenset({"rules[].transitions", "rules[].noncurrentVersionTransitions"})
    owned = frozenset({"rules"})
    missing = frozenset({"NoSuchLifecycleConfiguration"})
    timeouts: ClassVar = {"create": 180.0, "update": 180.0}

    _answer: dict[str, Any] | None = None

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        found = unsupported(inputs, ("timeouts",), "use the resource option custom_timeouts")
        if "rules" not in inputs:
            found.append(("rules", '"rules" must hold at least one rule'))
        allowed = (_ALL_SIZES, "varies_by_storage_class")
        return found + only(inputs, "transitionDefaultMinimumObjectSize", allowed)

    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        rules = [_lifecycle_rule(rule) for rule in inputs["rules"]]
        size = inputs.get("transitionDefaultMinimumObjectSize")
        default = {"TransitionDefaultMinimumObjectSize": size} if size else {}
        self.client.put_bucket_lifecycle_configuration(**place, LifecycleConfiguration={"Rules": rules}, **default)
        wanted = _comparable(from_aws(rules))

        def look() -> tuple[bool, str]:
            self._answer = self.client.get_bucket_lifecycle_configuration(**place)
            same = _comparable(from_aws(self._answer["Rules"])) == wanted
            return same, "S3 still answers with other rules"

        self.call.wait(f"the lifecycle configuration of S3 bucket {place['Bucket']}", look)

    def get(self, place: dict[str, Any]) -> Properties | None:
        found = self._answer or self.client.get_bucket_lifecycle_configuration(**place)
        return {
            "rules": from_aws(found["Rules"]),
            "transitionDefaultMinimumObjectSize": found.get("TransitionDefaultMinimumObjectSize", _ALL_SIZES),
        }

    def remove(self, place: dict[str, Any], state: Properties) -> None:
        del state
        self.client.delete_bucket_lifecycle(**place)


class BucketReplicationConfig(BucketSetting):
    """Replication to other buckets. The whole set of rules is written at once; deleting it leaves the copies."""

    token = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"  # noqa: S105
    owned = frozenset({"rules"})
    write_only = frozenset({"token"})
    missing = frozenset({"ReplicationConfigurationNotFoundError"})

    def create(self, inputs: Properties) -> str:
        # versioning that was switched on a moment ago is not seen everywhere
        made: str = self.call.retry_on(
            ("InvalidRequest",),
            lambda: BucketSetting.create(self, inputs),
            message="Versioning must be 'Enabled' on the bucket",
        )
        return made

    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        wanted = {"Role": inputs["role"], "Rules": [_replication_rule(rule) for rule in inputs["rules"]]}
        token = {"Token": inputs["token"]} if inputs.get("token") else {}
        self.client.put_bucket_replication(**place, ReplicationConfiguration=wanted, **token)

    def get(self, place: dict[str, Any]) -> Properties | None:
        found = self.client.get_bucket_replication(**place)["ReplicationConfiguration"]
        return {"role": found["Role"], "rules": from_aws(found["Rules"])}

    def remove(self, place: dict[str, Any], state: Properties) -> None:
        del state
        self.client.delete_bucket_replication(**place)


class BucketLogging(BucketSetting):
    """Access logs into another bucket."""

    token = "aws:s3/bucketLogging:BucketLogging"  # noqa: S105
    unordered = frozenset({"targetGrants"})
    owned = frozenset({"targetGrants", "targetObjectKeyFormat"})

    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        keys = ("targetBucket", "targetPrefix", "targetGrants", "targetObjectKeyFormat")
        wanted = to_aws({key: inputs[key] for key in keys if inputs.get(key) is not None})
        self.client.put_bucket_logging(**place, BucketLoggingStatus={"LoggingEnabled": wanted})

    def get(self, place: dict[str, Any]) -> Properties | None:
        found = self.client.get_bucket_logging(**place).get("LoggingEnabled")
        if not found:
            return None
        return {"targetGrants": [], "targetObjectKeyFormat": {}, **from_aws(found)}

    def remove(self, place: dict[str, Any], state: Properties) -> None:
        del state
        self.client.put_bucket_logging(**place, BucketLoggingStatus={})


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    wanted: dict[str, Any] = to_aws(rule)
    if not wanted.get("Filter") and not wanted.get("Prefix"):
        # S3 wants a filter; an empty prefix stands for every object
        wanted.pop("Prefix", None)
        wanted["Filter"] = {"Prefix": ""}
    return wanted


def _replication_rule(rule: Properties) -> dict[str, Any]:
    """Version 2 of the rule's form when it has a filter, even an empty one; version 1 otherwise."""
    wanted: dict[str, Any] = to_aws(rule)
    if "Filter" in wanted:
        wanted.pop("Prefix", None)
        wanted["Filter"] = wanted["Filter"] or {"Prefix": ""}
        wanted["Priority"] = wanted.get("Priority", 0)
    else:
        wanted["Prefix"] = wanted.get("Prefix", "")
        wanted.pop("Priority", None)
    return wanted


def _comparable(rules: list[Properties]) -> list[Any]:
    """Lifecycle rules in one form: without empty parts, transitions in one order."""
    found = [essence(rule) for rule in rules]
    for rule in found:
        for key in ("transitions", "noncurrentVersionTransitions"):
            if key in rule:
                rule[key] = sorted(rule[key], key=repr)
    return found


KINDS: Final = (BucketLifecycleConfiguration, BucketReplicationConfig, BucketLogging)
