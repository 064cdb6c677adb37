"""The provider over a real channel, called as the engine calls it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2, empty_pb2
from google.rpc import status_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.provider.core.engine_log import EngineLog
from sandbox.provider.core.registry import table
from sandbox.provider.core.servicer import Servicer
from sandbox.provider.core.values import UNKNOWN, Properties, from_struct, to_struct
from sandbox.provider.services.ec2 import Subnet, Vpc
from sandbox.provider.services.ec2_gateways import Eip, InternetGateway
from sandbox.provider.services.iam_role import Role
from tests.unit.provider.program import cloud

SECONDS = 20.0
VPC = {"cidrBlock": "10.0.0.0/16", "tags": {"site": "secondary"}}


class Endless(Eip):
    """It is made at once and never becomes ready."""

    started = threading.Event()

    def create(self, inputs: Properties) -> str:
        allocation_id = super().create(inputs)

        def look() -> tuple[bool, str]:
            self.started.set()
            return False, "pending"

        self.call.wait(f"address {allocation_id}", look)
        return allocation_id


class Broken(Subnet):
    """A mistake of its author, before anything is made, or after."""

    def create(self, inputs: Properties) -> str:
        if "tags" in inputs:
            self.call.made("subnet-1")
        return str(inputs["no such key"])


class Engine:
    """The part of the engine that speaks to a provider."""

    def __init__(self, port: int) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def configure(self, **keys: str) -> Any:
        return self.stub.Configure(provider_pb2.ConfigureRequest(args=to_struct(keys)), timeout=SECONDS)

    def check(self, token: str, new: Properties, old: Properties | None = None) -> Any:
        request = provider_pb2.CheckRequest(
            urn=urn(token), news=to_struct(new), olds=to_struct(old or {}), randomSeed=b"seed"
        )
        return self.stub.Check(request, timeout=SECONDS)

    def create(self, token: str, new: Properties, *, preview: bool = False) -> Any:
        inputs = self.check(token, new).inputs
        request = provider_pb2.CreateRequest(urn=urn(token), properties=inputs, preview=preview)
        return self.stub.Create(request, timeout=SECONDS)

    def diff(self, token: str, made: Any, old: Properties, new: Properties) -> Any:
        before = self.check(token, old).inputs
        request = provider_pb2.DiffRequest(
            id=made.id,
            urn=urn(token),
            olds=made.properties,
            old_inputs=before,
            news=self.check(token, new, from_struct(before)).inputs,
        )
        return self.stub.Diff(request, timeout=SECONDS)

    def update(self, token: str, made: Any, old: Properties, new: Properties, *, preview: bool = False) -> Any:
        before = self.check(token, old).inputs
        request = provider_pb2.UpdateRequest(
            id=made.id,
            urn=urn(token),
            olds=made.properties,
            old_inputs=before,
            news=self.check(token, new, from_struct(before)).inputs,
            preview=preview,
        )
        return self.stub.Update(request, timeout=SECONDS)

    def read(self, token: str, resource_id: str, state: Any = None, inputs: Any = None) -> Any:
        request = provider_pb2.ReadRequest(id=resource_id, urn=urn(token), properties=state, inputs=inputs)
        return self.stub.Read(request, timeout=SECONDS)

    def delete(self, token: str, made: Any) -> None:
        self.stub.Delete(
            provider_pb2.DeleteRequest(id=made.id, urn=urn(token), properties=made.properties), timeout=SECONDS
        )


def _said(error: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return str(error.value.details())


def urn(token: str) -> str:
    return f"urn:pulumi:secondary::goliath::goliath:infra:Site${token}::thing"


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[None]:
    with cloud():
        yield


@contextmanager
def serve(*kinds: type[Any]) -> Iterator[Engine]:
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    servicer = Servicer(table(kinds), "7.51.1", EngineLog())
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    engine = Engine(port)
    try:
        yield engine
    finally:
        engine.close()
        server.stop(grace=None).wait()


@pytest.fixture(scope="module")
def engine(aws: None) -> Iterator[Engine]:
    with serve(Vpc, InternetGateway, Role, Endless, Broken) as engine:
        engine.configure(region="us-west-2", accessKey="test", secretKey="test")
        yield engine


def test_a_resource_lives_through_all_its_calls(engine: Engine) -> None:
    token = Vpc.token
    made = engine.create(token, VPC)
    assert made.id.startswith("vpc-")
    assert from_struct(made.properties)["ownerId"] == "123456789012"
    same = engine.diff(token, made, VPC, VPC)
    assert same.changes == provider_pb2.DiffResponse.DIFF_NONE

    wanted = {**VPC, "tags": {"site": "primary"}, "enableDnsHostnames": True}
    found = engine.diff(token, made, VPC, wanted)
    assert found.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert (sorted(found.diffs), list(found.replaces)) == (["enableDnsHostnames", "tags"], [])
    assert found.detailedDiff["tags.site"].kind == provider_pb2.PropertyDiff.UPDATE

    updated = engine.update(token, made, VPC, wanted)
    assert from_struct(updated.properties)["enableDnsHostnames"] is True

    again = engine.read(token, made.id, updated.properties, engine.check(token, wanted).inputs)
    assert again.id == made.id
    assert from_struct(again.properties) == from_struct(updated.properties)
    assert from_struct(again.inputs) == from_struct(engine.check(token, wanted).inputs)

    engine.delete(token, made)
    assert engine.read(token, made.id, updated.properties, engine.check(token, wanted).inputs).id == ""


def test_a_replacement_says_which_input_asks_for_it(engine: Engine) -> None:
    made = engine.create(Vpc.token, VPC)
    found = engine.diff(Vpc.token, made, VPC, {**VPC, "cidrBlock": "10.1.0.0/16"})
    assert list(found.replaces) == ["cidrBlock"]
    assert found.detailedDiff["cidrBlock"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE


def test_an_import_gives_inputs_and_state_also_for_another_region(engine: Engine) -> None:
    made = engine.create(Vpc.token, {**VPC, "region": "us-east-1"})
    assert engine.read(Vpc.token, made.id).id == ""
    found = engine.read(Vpc.token, f"{made.id}@us-east-1")
    assert found.id == made.id
    assert from_struct(found.inputs)["region"] == "us-east-1"
    assert from_struct(found.inputs)["cidrBlock"] == "10.0.0.0/16"


def test_a_role_whose_name_looks_like_a_region_is_found(engine: Engine) -> None:
    made = engine.create(Role.token, {"name": "ops@us-east-1", "assumeRolePolicy": '{"Statement": []}'})
    assert engine.read(Role.token, made.id).id == "ops@us-east-1"


def test_an_unknown_property_is_a_failure_of_the_check(engine: Engine) -> None:
    (failure,) = engine.check(Vpc.token, {**VPC, "cidrBlok": "10.0.0.0/16"}).failures
    assert failure.property == "cidrBlok"
    assert "unknown property" in failure.reason


def test_an_unknown_type_is_a_clear_error(engine: Engine) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        engine.check("aws:ec2/instance:Instance", {})
    assert "aws:ec2/instance:Instance" in _said(refusal)
    assert "sandbox/provider/services" in _said(refusal)


def test_awss_refusal_is_one_sentence_and_makes_nothing(engine: Engine) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        engine.create(Vpc.token, {"cidrBlock": "10.0.0.0/8"})
    assert "CreateVpc" in _said(refusal)
    assert "\n" not in _said(refusal)
    assert _init_failure(refusal.value) is None


def _init_failure(error: Any) -> provider_pb2.ErrorResourceInitFailed | None:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            detail: any_pb2.Any = status.details[0]
            found = provider_pb2.ErrorResourceInitFailed()
            assert detail.Unpack(found)
            return found
    return None


def test_what_is_half_made_comes_back_with_its_id_state_and_reason(engine: Engine) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        engine.create(InternetGateway.token, {"vpcId": "vpc-12345678"})
    failure = _init_failure(refusal.value)
    assert failure is not None
    assert failure.id.startswith("igw-")
    assert from_struct(failure.properties)["arn"].endswith(failure.id)
    assert "AttachInternetGateway" in failure.reasons[0]


def test_what_is_half_changed_comes_back_too(engine: Engine) -> None:
    made = engine.create(InternetGateway.token, {})
    with pytest.raises(grpc.RpcError) as refusal:
        engine.update(InternetGateway.token, made, {}, {"vpcId": "vpc-12345678", "tags": {"a": "b"}})
    failure = _init_failure(refusal.value)
    assert failure is not None
    assert from_struct(failure.properties)["tags"] == {"a": "b"}


def test_a_preview_makes_nothing_and_leaves_unknown_what_only_aws_knows(engine: Engine) -> None:
    planned = engine.create(InternetGateway.token, {"vpcId": UNKNOWN}, preview=True)
    found = from_struct(planned.properties)
    assert planned.id == ""
    assert found["vpcId"] is UNKNOWN
    assert found["arn"] is UNKNOWN
    made = engine.create(Vpc.token, VPC)
    changed = engine.update(Vpc.token, made, VPC, {**VPC, "tags": {"site": UNKNOWN}}, preview=True)
    assert from_struct(changed.properties)["tags"] == {"site": UNKNOWN}
    assert from_struct(changed.properties)["tagsAll"] is UNKNOWN
    assert from_struct(changed.properties)["arn"].endswith(made.id)


def test_a_mistake_in_a_class_says_that_it_is_one(engine: Engine) -> None:
    with pytest.raises(grpc.RpcError) as defect:
        engine.create(Broken.token, {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/20"})
    assert defect.value.code() == grpc.StatusCode.INTERNAL
    assert "defect" in _said(defect)
    with pytest.raises(grpc.RpcError) as late:
        engine.create(Broken.token, {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/20", "tags": {"a": "b"}})
    failure = _init_failure(late.value)
    assert failure is not None
    assert "defect" in failure.reasons[0]


def test_a_stop_ends_a_wait_and_what_exists_is_kept() -> None:
    Endless.started.clear()
    failures: list[Any] = []
    with serve(Endless) as engine:
        engine.configure(region="us-west-2", accessKey="test", secretKey="test")

        def create() -> None:
            try:
                engine.create(Endless.token, {})
            except grpc.RpcError as error:
                failures.append(error)

        creating = threading.Thread(target=create)
        creating.start()
        assert Endless.started.wait(SECONDS)
        engine.stub.Cancel(empty_pb2.Empty(), timeout=SECONDS)
        creating.join(SECONDS)
        assert not creating.is_alive()
    assert "cancelled while waiting" in str(failures[0].details())
    failure = _init_failure(failures[0])
    assert failure is not None
    assert failure.id.startswith("eipalloc-")


def test_a_provider_that_is_not_configured_says_so() -> None:
    with serve(Vpc) as engine, pytest.raises(grpc.RpcError) as refusal:
        engine.check(Vpc.token, VPC)
    assert "not configured" in _said(refusal)
