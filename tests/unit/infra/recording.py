"""Runs the whole program against a recording monitor: no engine, no provider, no network."""

from __future__ import annotations

import asyncio
import contextvars
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pulumi
import yaml
from google.protobuf import json_format
from pulumi.runtime import mocks

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK's own, about types that nothing here uses
    from pulumi_aws import ec2, s3

    from infra import program
    from infra.errors import ProgramError

    LOADED = (ec2.Vpc, s3.Bucket)  # modules load at their first use: here, inside this block

ROOT = Path(__file__).resolve().parents[3]
PROJECT = "goliath-partner-system"
ACCOUNT = "123456789012"
PASSWORD = "correct-horse-battery"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
"""What the engine's protocol puts beside a secret value."""


@dataclass(frozen=True)
class Registered:
    """One resource as the engine would see it."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any]
    raw: str
    """The inputs as they cross the wire, secrets marked."""
    protect: bool
    retained: bool
    depends_on: tuple[str, ...]


@dataclass
class Run:
    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    raw_outputs: str = ""
    refusal: ProgramError | None = None

    def of(self, kind: str) -> list[Registered]:
        return [resource for resource in self.resources if resource.type == kind]

    def one(self, kind: str) -> Registered:
        (resource,) = self.of(kind)
        return resource

    @property
    def database(self) -> Registered:
        return self.one("aws:rds/instance:Instance")

    def by_identity(self) -> dict[tuple[str, str], Registered]:
        return {(resource.type, resource.name): resource for resource in self.resources}


class EngineError(grpc.RpcError):
    """What a refusal of the engine is on the wire."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._message = message

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return self._message


class Cloud(mocks.Mocks):
    """Answers as AWS would, as far as the program looks at the answers."""

    def __init__(self, region: str, published: Mapping[str, Mapping[str, Any]]) -> None:
        self._region = region
        self._published = published

    def call(self, args: mocks.MockCallArgs) -> Any:
        assert args.token == "pulumi:pulumi:readStackOutputs", args.token
        stack = args.args["name"].removeprefix(f"organization/{PROJECT}/")
        if stack not in self._published:
            raise EngineError(f'unknown stack "{args.args["name"]}"')
        return {"name": args.args["name"], "outputs": self._published[stack]}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        service, kind = args.typ.split(":")[1:]
        service = service.partition("/")[0]
        state = {**args.inputs, "arn": f"arn:aws:{service}:{self._region}:{ACCOUNT}:{kind.lower()}/{args.name}"}
        identity = f"{args.name}-id"
        match kind:
            case "Vpc":
                state["ownerId"] = ACCOUNT
            case "Bucket":
                identity = args.inputs["bucket"]
                state["arn"] = f"arn:aws:s3:::{identity}"
            case "Instance":
                identifier = args.inputs["identifier"]
                state["arn"] = f"arn:aws:rds:{self._region}:{ACCOUNT}:db:{identifier}"
                state["address"] = f"{identifier}.{self._region}.rds.example"
                state["port"] = 5432
                state["endpoint"] = f"{state['address']}:5432"
                state["resourceId"] = f"db-{args.name.upper()}"
            case "SubnetGroup" | "ParameterGroup":
                state["name"] = f"{args.name}-1234567"
        return identity, state


class _Monitor(mocks.MockMonitor):
    def __init__(self, cloud: mocks.Mocks, run: Run) -> None:
        super().__init__(cloud)
        self._run = run

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the protocol's name)
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        self._run.resources.append(
            Registered(
                type=request.type,
                name=request.name,
                urn=response.urn,
                inputs=_plain(request.object),
                raw=json.dumps(json_format.MessageToDict(request.object)),
                protect=request.protect,
                retained=request.retainOnDelete,
                depends_on=tuple(request.dependencies),
            )
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self._run.raw_outputs = json.dumps(json_format.MessageToDict(request.outputs))
            self._run.outputs = _plain(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def _plain(struct: Any) -> dict[str, Any]:
    plain = _unmarked(json_format.MessageToDict(struct))
    assert isinstance(plain, dict)
    return plain


def _unmarked(value: Any) -> Any:
    """The value with the secret markers taken off and nulls dropped, as the engine stores it."""
    if isinstance(value, dict):
        if SECRET_SIGNATURE in value.values():
            return _unmarked(value["value"])
        return {key: _unmarked(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_unmarked(each) for each in value]
    return value


def stack_config(stack: str, **overrides: str | None) -> dict[str, str]:
    """The tracked stack file over Pulumi.yaml's defaults, as the engine passes it, with a password and overrides."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    given = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    values = {f"{PROJECT}:{key}": spec["default"] for key, spec in project["config"].items() if "default" in spec}
    values |= given
    values[f"{PROJECT}:databasePassword"] = PASSWORD
    config = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    for key, override in overrides.items():
        name = key.replace("__", ":") if "__" in key else f"{PROJECT}:{key}"
        if override is None:
            config.pop(name, None)
        else:
            config[name] = override
    return config


def run_stack(stack: str, published: Mapping[str, Mapping[str, Any]] | None = None, **overrides: str | None) -> Run:
    """One run of the program, with the outputs of the stacks that exist. Raises what the program raises."""
    run = attempt(stack, published, **overrides)
    if run.refusal is not None:
        raise run.refusal
    return run


def attempt(stack: str, published: Mapping[str, Mapping[str, Any]] | None = None, **overrides: str | None) -> Run:
    """As run_stack, but a refusal is part of the result, beside what was registered before it."""
    config = stack_config(stack, **overrides)
    run = Run()

    def start() -> None:
        monitor = _Monitor(Cloud(config["aws:region"], published or {}), run)
        mocks.set_mocks(monitor.mocks, project=PROJECT, stack=stack, organization="organization", monitor=monitor)
        pulumi.runtime.settings.ROOT.set(None)  # the empty root of set_mocks: the program gets its own, with outputs
        pulumi.runtime.set_all_config(config, [f"{PROJECT}:databasePassword"])
        try:
            asyncio.get_event_loop().run_until_complete(pulumi.runtime.run_in_stack(program.run))
        except ProgramError as refusal:
            run.refusal = refusal

    _in_a_process_of_its_own(start)
    run.resources[:] = [resource for resource in run.resources if resource.type != "pulumi:pulumi:Stack"]
    return run


def _in_a_process_of_its_own(body: Callable[[], None]) -> None:
    """As far as Pulumi's global state goes: an empty context and an event loop of its own."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        contextvars.Context().run(body)
    finally:
        loop.close()
        asyncio.set_event_loop(None)


def both_provisioned() -> dict[str, dict[str, Any]]:
    """What the two stacks publish after up primary, up secondary, up primary."""
    primary = run_stack("primary").outputs
    secondary = run_stack("secondary", {"primary": primary}).outputs
    primary = run_stack("primary", {"primary": primary, "secondary": secondary}).outputs
    return {"primary": primary, "secondary": secondary}
