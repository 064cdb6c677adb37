"""S3's answers: moto's, under one lock, with access decided first and what moto leaves out or allows put right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.exceptions import LockNotEnabled, MissingKey, MissingVersion, PreconditionFailed
from moto.s3.responses import S3Response

from sandbox.cloud.layer import ENVIRON_KEY, Asked
from sandbox.cloud.s3 import access, object_lock
from sandbox.cloud.s3.backend import Backend
from sandbox.cloud.s3.configuration import read_document
from sandbox.cloud.s3.errors import S3Error, access_denied
from sandbox.cloud.s3.objects import Bucket, ObjectVersion

Answer = tuple[int, dict[str, Any], Any]

_STATUS = "x-amz-replication-status"
_ACL_OPERATIONS = {"PutBucketAcl", "PutObjectAcl", "PutObject", "CopyObject", "CreateMultipartUpload"}
_READS = {"GetObject", "HeadObject"}
_NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented"


class Answers(S3Response):  # type: ignore[misc]
    """One request for S3."""

    backend: Backend

    def _bucket_response(self, request: Any, full_url: str) -> Any:
        return self._serve(request, "", lambda: super(Answers, self)._bucket_response(request, full_url))

    def _key_response(self, request: Any, full_url: str) -> Any:
        name = self.parse_key_name()
        return self._serve(request, name, lambda: super(Answers, self)._key_response(request, full_url))

    def _serve(self, request: Any, key: str, answer: Callable[[], Any]) -> Any:
        asked: Asked = request.environ.get(ENVIRON_KEY) or Asked(self.region, "s3", "", self.access_key)
        address = request.environ.get("REMOTE_ADDR", "")
        try:
            with self.backend.request():
                caller = access.caller_of(asked, self.current_account, self.headers, self.querystring, address)
                with access.acting(caller):
                    self._admit(key, caller)
                    return answer()
        except S3Error as error:
            _, headers, body = self.serialized(ActionResult(error))
            return error.status, headers, body

    def _admit(self, key: str, caller: access.Caller) -> None:
        bucket = self.backend.find_bucket(self.bucket_name)
        if bucket is None:
            if caller.anonymous and not self.bucket_name:
                raise access_denied()
            return
        if caller.operation != "CreateBucket":
            access.authorize(bucket, key, caller, versioned="versionId" in self.querystring)
        if caller.operation in _READS and self.backend.get_object(bucket.name, key) is None:
            self._hide_absence(bucket, caller)
        if caller.operation in _ACL_OPERATIONS:
            self._refuse_acl(bucket, caller.operation)
        if_none_match = self.headers.get("If-None-Match")
        if caller.operation in {"PutObject", "CompleteMultipartUpload"} and if_none_match not in {None, "*"}:
            raise S3Error("NotImplemented", _NOT_IMPLEMENTED, status=501)

    def _hide_absence(self, bucket: Bucket, caller: access.Caller) -> None:
        """Who may not list a bucket learns nothing of what is not in it ("GetObject: permissions")."""
        if "versionId" not in self.querystring and not access.may_list(bucket, caller):
            raise access_denied()

    def _refuse_acl(self, bucket: Bucket, operation: str) -> None:
        """Buckets have no ACLs unless their ownership controls say so ("Controlling ownership of objects")."""
        canned = self.headers.get("x-amz-acl")
        grants = any(name.lower().startswith("x-amz-grant-") for name, _ in self.headers.items())
        body = operation in {"PutBucketAcl", "PutObjectAcl"} and canned is None
        asks = grants or body or canned not in {None, "bucket-owner-full-control"}
        if asks and bucket.ownership_rule == "BucketOwnerEnforced":
            raise S3Error("AccessControlListNotSupported", "The bucket does not allow ACLs")

    # -- replication ---------------------------------------------------------------------------------------------

    def _replication_config_from_xml(self, xml: bytes) -> dict[str, Any]:
        return read_document(xml)

    def get_bucket_replication(self) -> Answer:
        """What was put, where moto answers the same for every rule."""
        configuration = self.backend.get_bucket_replication(self.bucket_name)
        if configuration is None:
            answer: Answer = super().get_bucket_replication()
            return answer
        self.data["Action"] = "GetBucketReplication"
        result: Answer = self.serialized(ActionResult({"ReplicationConfiguration": configuration.document}))
        return result

    # -- objects -------------------------------------------------------------------------------------------------

    def get_object(self) -> Answer:
        status, headers, body = super().get_object()
        self.backend.check_readable(self._version())
        return status, self._with_status(headers, self.parse_key_name()), body

    def head_object(self, bucket_name: str, query: Any, key_name: str, headers: Any) -> Answer:
        status, answered, body = super().head_object(bucket_name, query, key_name, headers)
        return status, self._with_status(answered, key_name), body

    def _with_status(self, headers: dict[str, Any], name: str) -> dict[str, Any]:
        bucket = self.backend.find_bucket(self.bucket_name)
        version = bucket.version(name, headers.get("x-amz-version-id", "null")) if bucket is not None else None
        if isinstance(version, ObjectVersion) and version.replication.status is not None:
            headers[_STATUS] = version.replication.status.value
        return headers

    def put_object(self) -> Answer:
        object_lock.Lock.asked_for(self.headers)
        answer: Answer = super().put_object()
        return answer

    def _key_response_put(self, query: dict[str, Any], key_name: str) -> Answer:
        """A copy has no body, so no checksum of one, which moto wants where objects are locked."""
        answer: Answer
        if "x-amz-copy-source" in self.headers and "uploadId" not in query:
            if not object_lock.Lock.asked_for(self.headers).empty:
                self._require_lock()
            answer = self.copy_object()
        else:
            answer = super()._key_response_put(query, key_name)
        return answer

    def _tagging_from_xml(self) -> dict[str, str]:
        """No tags at all are fine; moto fails."""
        if b"<Tag>" not in self.body:
            return {}
        tags: dict[str, str] = super()._tagging_from_xml()
        return tags

    def _key_response_get(self, query: dict[str, Any], key_name: str) -> Answer:
        if "retention" not in query:
            answer: Answer = super()._key_response_get(query, key_name)
            return answer
        self._require_lock()
        result: Answer = self._shown("GetObjectRetention", {"Retention": object_lock.shown_retention(self._version())})
        return result

    def get_object_legal_hold(self) -> Answer:
        self._require_lock()
        hold = self._version().lock_legal_status
        if not hold:
            raise object_lock.no_lock()
        return self._shown("GetObjectLegalHold", {"LegalHold": {"Status": hold}})

    def put_object_retention(self) -> Answer:
        self._require_lock()
        bypass = str(self.headers.get("x-amz-bypass-governance-retention", "")).lower() == "true"
        mode, until = self._mode_until_from_body()
        object_lock.check_retention(self._version(), mode, until, bypass=bypass)
        answer: Answer = super().put_object_retention()
        return answer

    def put_object_legal_hold(self) -> Answer:
        self._require_lock()
        self._version()
        answer: Answer = super().put_object_legal_hold()
        return answer

    def _key_response_post(self, request: Any, body: bytes, bucket_name: str, query: Any, key_name: str) -> Answer:
        lock = object_lock.Lock.asked_for(self.headers) if "uploads" in query else object_lock.Lock()
        if not lock.empty:
            self._require_lock()
        if query.get("uploadId"):
            self._match(key_name)
        answer: Answer = super()._key_response_post(request, body, bucket_name, query, key_name)
        if not lock.empty and answer[0] == 200:
            upload = re.search(r"<UploadId>([^<]+)</UploadId>", str(answer[2]))
            if upload is not None:
                self.backend.lock_upload(upload[1], lock)
        return answer

    def _match(self, key_name: str) -> None:
        """``If-Match`` of CompleteMultipartUpload, which moto has for PutObject only ("Conditional writes")."""
        wanted = self.headers.get("If-Match")
        if wanted is None:
            return
        current = self.backend.get_object(self.bucket_name, key_name)
        if current is None:
            raise MissingKey(key=key_name)
        if current.etag.strip('"') != wanted.strip('"'):
            raise PreconditionFailed("If-Match")

    def _require_lock(self) -> None:
        if not self.backend.get_bucket(self.bucket_name).object_lock_enabled:
            raise LockNotEnabled

    def _version(self) -> ObjectVersion:
        """The version that the request names, or the current one. Raises NoSuchKey or NoSuchVersion."""
        version_id = self.querystring.get("versionId", [None])[0]
        name = self.parse_key_name()
        version = self.backend.get_object(self.bucket_name, name, version_id=version_id)
        if version is None:
            raise MissingVersion if version_id is not None else MissingKey(key=name)
        return version  # type: ignore[no-any-return]

    def _shown(self, action: str, result: dict[str, Any]) -> Answer:
        self.data["Action"] = action
        answer: Answer = self.serialized(ActionResult(result))
        return answer
