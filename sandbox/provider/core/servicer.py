"""The engine's gRPC protocol, translated to and from the operations."""

# ruff: noqa: N802 - the protocol names the methods

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import any_pb2, empty_pb2
from google.rpc import code_pb2, status_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.provider.core import configuration, operations
from sandbox.provider.core.aws import Aws, describe
from sandbox.provider.core.check import check
from sandbox.provider.core.diff import Change, diff
from sandbox.provider.core.engine_log import EngineLog
from sandbox.provider.core.operations import PartialFailure
from sandbox.provider.core.resource import Call, Resource, ResourceError
from sandbox.provider.core.values import Properties, from_struct, to_struct

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 600.0
"""Seconds for an operation whose type names none."""

_KINDS = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


_EXPECTED = (ClientError, BotoCoreError, ResourceError)
"""What may go wrong without a mistake of ours."""


def _reason(error: Exception, what: str) -> str:
    """One sentence for the user."""
    if isinstance(error, _EXPECTED):
        return describe(error)
    return f"a defect of the sandbox's aws provider while {what}: {error!r}"


def _rpc(what: str) -> Callable[[Callable[[Any, Any], Any]], Callable[[Any, Any, grpc.ServicerContext], Any]]:
    """No traceback reaches the user: AWS's refusals and our own become one sentence, a bug says that it is one."""

    def decorate(handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any, grpc.ServicerContext], Any]:
        @functools.wraps(handler)
        def guarded(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
            try:
                return handler(self, request)
            except PartialFailure as failure:
                partial: PartialFailure | None = failure
                code, message = grpc.StatusCode.UNKNOWN, _reason(failure.cause, what)
            except _EXPECTED as error:
                partial, code, message = None, grpc.StatusCode.UNKNOWN, describe(error)
            except Exception as error:
                log.exception("%s %s", what, getattr(request, "urn", ""))
                partial, code = None, grpc.StatusCode.INTERNAL
                message = _reason(error, what)
            if partial is not None:
                context.set_trailing_metadata((("grpc-status-details-bin", _partial_status(partial, message)),))
            context.abort(code, message)
            raise AssertionError("abort raises")

        return guarded

    return decorate


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process. The engine configures it once and then calls it from many threads."""

    def __init__(
        self, table: Mapping[str, type[Resource]], version: str, engine_log: EngineLog, *, validate: bool = True
    ) -> None:
        self._table = table
        self._version = version
        self._log = engine_log
        self._validate = validate
        self._cancelled = threading.Event()
        self._aws: Aws | None = None

    # -- the plugin itself

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=False, accept_resources=False, accept_outputs=False
        )

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        return plugin_pb2.PluginInfo(version=self._version)

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        self._log.attach(request.address)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        self._cancelled.set()
        return empty_pb2.Empty()

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        return provider_pb2.GetSchemaResponse(schema=f'{{"name": "aws", "version": "{self._version}"}}')

    # -- configuration

    @_rpc("checking the provider's configuration")
    def CheckConfig(self, request: Any) -> Any:
        found = configuration.failures(from_struct(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(found))

    @_rpc("comparing the provider's configuration")
    def DiffConfig(self, request: Any) -> Any:
        old, new = from_struct(request.old_inputs), from_struct(request.news)
        changed = sorted(key for key in set(old) | set(new) if old.get(key) != new.get(key))
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed)

    @_rpc("configuring the aws provider")
    def Configure(self, request: Any) -> Any:
        settings = configuration.parse(from_struct(request.args))
        aws = Aws(settings)
        if self._validate and not settings.skip_credentials_validation:
            _validate(aws)
        self._aws = aws
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    # -- one resource

    @_rpc("checking")
    def Check(self, request: Any) -> Any:
        kind = self._kind(request.urn)
        inputs, found = check(
            kind,
            name=_name(request.urn),
            region=self._configured.settings.region,
            seed=request.randomSeed,
            old=from_struct(request.olds),
            new=from_struct(request.news),
        )
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=_failures(found))

    @_rpc("comparing")
    def Diff(self, request: Any) -> Any:
        kind = self._kind(request.urn)
        found = diff(
            kind,
            state=from_struct(request.olds),
            old_inputs=from_struct(request.old_inputs),
            new=from_struct(request.news),
        )
        some = provider_pb2.DiffResponse.DIFF_SOME if found.changes else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some,
            replaces=sorted({change.top for change in found.changes if change.replace}),
            deleteBeforeReplace=found.replace and found.delete_before_replace,
            diffs=sorted(found.changed),
            detailedDiff={change.path: _detail(change) for change in found.changes},
            hasDetailedDiff=True,
        )

    @_rpc("creating")
    def Create(self, request: Any) -> Any:
        kind, inputs = self._kind(request.urn), from_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_struct(operations.preview_create(kind, inputs)))
        made = operations.create(kind, self._call(request, kind, "create", inputs), inputs)
        return provider_pb2.CreateResponse(id=made.resource_id, properties=to_struct(made.state))

    @_rpc("reading")
    def Read(self, request: Any) -> Any:
        kind = self._kind(request.urn)
        state, inputs = from_struct(request.properties), from_struct(request.inputs)
        # an import id may name the region; the names of global things (a role's) may hold the sign themselves
        regional = not inputs and kind.facts().has_region
        resource_id, _, region = request.id.partition("@") if regional else (request.id, "", "")
        known = {**state, **({"region": region} if region else {})}
        call = self._call(request, kind, "read", {**known, **inputs})
        made = operations.read(kind, call, resource_id, known if inputs else {}, inputs)
        return provider_pb2.ReadResponse(
            id=made.resource_id,
            properties=to_struct(made.state, kind.secrets),
            inputs=to_struct(made.inputs, kind.secrets),
        )

    @_rpc("updating")
    def Update(self, request: Any) -> Any:
        kind, new = self._kind(request.urn), from_struct(request.news)
        state, old_inputs = from_struct(request.olds), from_struct(request.old_inputs)
        if request.preview:
            planned = operations.preview_update(kind, state, old_inputs, new)
            return provider_pb2.UpdateResponse(properties=to_struct(planned))
        call = self._call(request, kind, "update", new)
        made = operations.update(kind, call, request.id, state, old_inputs, new)
        return provider_pb2.UpdateResponse(properties=to_struct(made.state))

    @_rpc("deleting")
    def Delete(self, request: Any) -> Any:
        kind = self._kind(request.urn)
        state, inputs = from_struct(request.properties), from_struct(request.old_inputs)
        call = self._call(request, kind, "delete", {**inputs, **state})
        operations.delete(kind, call, request.id, state, inputs)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the sandbox's aws provider has no function {request.tok}")

    # -- helpers

    @property
    def _configured(self) -> Aws:
        if self._aws is None:
            raise ResourceError("the aws provider is not configured")
        return self._aws

    def _kind(self, urn: str) -> type[Resource]:
        token = urn.split("::")[2].rsplit("$", maxsplit=1)[-1]
        kind = self._table.get(token)
        if kind is None:
            raise ResourceError(
                f"the sandbox's aws provider does not know the resource type {token}: add a class for it in "
                "sandbox/provider/services and its facts to facts.json"
            )
        return kind

    def _call(self, request: Any, kind: type[Resource], verb: str, known: Properties) -> Call:
        urn = request.urn
        return Call(
            self._configured,
            urn=urn,
            region=str(known.get("region") or self._configured.settings.region),
            timeout=request.timeout or kind.timeouts.get(verb, DEFAULT_TIMEOUT),
            cancelled=self._cancelled,
            say=lambda text: self._log.status(urn, text),
        )


def _validate(aws: Aws) -> None:
    """The genuine provider's own pre-check: who are we, asked in the provider's region before anything is planned."""
    try:
        _ = aws.account
    except (ClientError, BotoCoreError) as error:
        raise ResourceError(
            f"unable to validate AWS credentials in {aws.settings.region}: {describe(error)}. "
            "Check the credentials and that the region answers; `dr sandbox env` prints the settings of the sandbox"
        ) from error


def _partial_status(failure: PartialFailure, message: str) -> bytes:
    """The engine keeps such a resource in its state, marked as not finished, and repairs it at the next update."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=failure.resource_id,
        properties=to_struct(failure.state),
        inputs=to_struct(failure.inputs),
        reasons=[message],
    )
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(code=code_pb2.UNKNOWN, message=message, details=[packed])
    return bytes(status.SerializeToString())


def _failures(found: Any) -> list[Any]:
    return [provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in found]


def _detail(change: Change) -> Any:
    return provider_pb2.PropertyDiff(kind=_KINDS[change.kind, change.replace], inputDiff=False)


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
