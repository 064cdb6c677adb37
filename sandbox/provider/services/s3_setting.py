"""What the standalone settings of a bucket have in common: one document that is put, read and removed."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource
from sandbox.provider.core.values import Properties

NO_BUCKET = "NoSuchBucket"


class BucketSetting(Resource):
    """One setting of a bucket. Its id is the bucket's name, or "name,owner" when the program names the owner."""

    service = "s3"
    missing: ClassVar[frozenset[str]] = frozenset()
    """Error codes by which S3 says that the bucket does not have this setting."""
    retried: ClassVar[frozenset[str]] = frozenset({NO_BUCKET, "OperationAborted"})
    """Error codes after which a put is tried again: a new bucket is not known everywhere at once."""

    @abstractmethod
    def put(self, place: dict[str, Any], inputs: Properties) -> None:
        """Write the setting. ``place`` holds the arguments Bucket and, where given, ExpectedBucketOwner."""

    @abstractmethod
    def get(self, place: dict[str, Any]) -> Properties | None:
        """The setting's properties as S3 has them; None when it has none."""

    @abstractmethod
    def remove(self, place: dict[str, Any], state: Properties) -> None:
        """Take the setting away."""

    def create(self, inputs: Properties) -> str:
        owner = inputs.get("expectedBucketOwner")
        resource_id = f"{inputs['bucket']},{owner}" if owner else str(inputs["bucket"])
        place = _place(resource_id)
        self.call.retry_on(self.retried, lambda: self.put(place, inputs))
        self.call.made(resource_id)
        return resource_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        place = _place(resource_id)
        try:
            found = self.get(place)
        except ClientError as error:
            if code_of(error) in self.missing | {NO_BUCKET}:
                return None
            raise
        if found is None:
            return None
        owner = {"expectedBucketOwner": place["ExpectedBucketOwner"]} if "ExpectedBucketOwner" in place else {}
        return {"id": resource_id, "bucket": place["Bucket"], **owner, **found}

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        del old, changed
        place = _place(resource_id)
        self.call.retry_on(self.retried, lambda: self.put(place, new))

    def delete(self, resource_id: str, state: Properties) -> None:
        try:
            self.call.retry_on(("OperationAborted",), lambda: self.remove(_place(resource_id), state))
        except ClientError as error:
            if code_of(error) not in self.missing | {NO_BUCKET}:
                raise


def _place(resource_id: str) -> dict[str, Any]:
    bucket, _, owner = resource_id.partition(",")
    return {"Bucket": bucket, "ExpectedBucketOwner": owner} if owner else {"Bucket": bucket}
