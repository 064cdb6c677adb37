"""What a stack tells the world: the other site, the recovery scripts, and people. No secret is among it.

The classes are generic in how a value is held: ``SiteOutputs[Output[str], Output[int]]`` inside the program,
``SiteOutputs[str, int]`` once read back. Exported names are the field names in camelCase.

A field that joins in a later version must be optional with a default: a peer whose region is lost cannot be updated,
and its old outputs must stay readable in exactly that hour.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

import pulumi

from infra.errors import ProgramError
from infra.sites import Role, Site

Text = TypeVar("Text")
Number = TypeVar("Number")


@dataclass(frozen=True)
class NetworkOutputs(Generic[Text]):
    cidr: Annotated[str, "The site's address range"]
    zones: Annotated[tuple[str, ...], "The zones it spans; subnets are listed in this order"]
    vpc_id: Annotated[Text, "The VPC"]
    public_subnet_ids: Annotated[tuple[Text, ...], "For load balancers"]
    private_subnet_ids: Annotated[tuple[Text, ...], "For the application"]
    database_subnet_ids: Annotated[tuple[Text, ...], "For databases; no route out of the network"]
    application_security_group_id: Annotated[Text, "What the application runs in; may reach the database"]
    database_security_group_id: Annotated[Text, "What a database of this site must be in, restored ones too"]


@dataclass(frozen=True)
class DatabaseOutputs(Generic[Text, Number]):
    generation: Annotated[int, "The generation of this instance"]
    identifier: Annotated[Text, "`partner-db-<site>-<generation>`"]
    arn: Annotated[Text, "What the peer replicates from"]
    resource_id: Annotated[Text, "RDS's own id of the instance; a promotion or a rename does not change it"]
    address: Annotated[Text, "Host name"]
    port: Annotated[Number, "TCP port"]
    endpoint: Annotated[Text, "`address:port`"]
    name: Annotated[str, "Name of the PostgreSQL database"]
    username: Annotated[str, "Master user"]
    parameter_group_name: Annotated[Text, "What a restored instance must be given, or its settings are lost"]
    subnet_group_name: Annotated[Text, "Where a restored instance must be placed"]
    source_arn: Annotated[str | None, "The ARN it replicates from; absent when it is the writable one"] = None


@dataclass(frozen=True)
class BucketOutputs(Generic[Text]):
    backups: Annotated[Text, "Exports, cluster and cache backups; replicated"]
    uploads: Annotated[Text, "Partners' files; replicated"]
    logs: Annotated[Text, "Archived logs; replicated"]
    records: Annotated[Text, "Records of recoveries; locked, not replicated"]


@dataclass(frozen=True)
class SiteOutputs(Generic[Text, Number]):
    site: Annotated[Site, "`primary` or `secondary`"]
    region: Annotated[str, "The site's AWS region"]
    role: Annotated[Role, "`active` or `standby`, as of the last successful update"]
    epoch: Annotated[int, "The fencing token, as of the last successful update"]
    generation: Annotated[int, "The configured database generation"]
    peer_seen: Annotated[bool, "Whether the peer's outputs were there: until then nothing replicates to it"]
    account_id: Annotated[Text, "The AWS account"]
    key_arn: Annotated[Text, "The site's KMS key"]
    key_alias: Annotated[Text, "Its alias"]
    network: NetworkOutputs[Text]
    buckets: BucketOutputs[Text]
    database_secret_arn: Annotated[Text, "The Secrets Manager secret with the connection to this site's database"]
    database: Annotated[DatabaseOutputs[Text, Number] | None, "Absent on a standby whose peer is not there yet"] = None


Exported = SiteOutputs[pulumi.Output[str], pulumi.Output[int]]
Published = SiteOutputs[str, int]


def export(outputs: Exported) -> None:
    """Makes every field a stack output."""
    for field in dataclasses.fields(outputs):
        pulumi.export(_camel(field.name), _plain(getattr(outputs, field.name)))


def read(outputs: Mapping[str, object], stack: str) -> Published | None:
    """The outputs of a stack; None when it has never been updated successfully.

    Raises ProgramError when they are of another shape (written by an older or a foreign program).
    """
    if "site" not in outputs:
        return None
    try:
        return typing.cast("Published", _build(SiteOutputs, outputs, ""))
    except (ValueError, TypeError) as error:
        raise ProgramError(
            f"The outputs of stack {str(stack)!r} cannot be read ({error}): update it with this version of the "
            f"program, `pulumi up -s {stack}`, or take the version that wrote them."
        ) from error


def documentation() -> Iterator[tuple[str, str]]:
    """Every output's path and meaning, for the table in docs/architecture.md."""
    yield from _rows(SiteOutputs, "")


def _rows(kind: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        path = f"{prefix}{_camel(name)}"
        (doc,) = getattr(hint, "__metadata__", ("",))
        if doc:
            yield path, doc
        inner = hint.__origin__ if doc else hint
        for part in (inner, *typing.get_args(inner)):
            nested = typing.get_origin(part) or part
            if dataclasses.is_dataclass(nested):
                yield from _rows(nested, f"{path}.")


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_camel(field.name): _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, StrEnum) else value


def _build(kind: Any, data: object, path: str) -> object:
    if not isinstance(data, Mapping):
        raise TypeError(f"{path or 'they'} should be an object")
    hints = typing.get_type_hints(kind)
    values: dict[str, object] = {}
    for field in dataclasses.fields(kind):
        name = _camel(field.name)
        if data.get(name) is not None:  # the engine drops nulls inside of objects, so absent and null are the same
            values[field.name] = _convert(hints[field.name], data[name], f"{path}{name}")
        elif field.default is dataclasses.MISSING:
            raise ValueError(f"{path}{name} is missing")
    return kind(**values)


def _convert(hint: Any, value: object, path: str) -> object:
    hint = {Text: str, Number: int}.get(hint, hint)
    origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        (inner,) = (each for each in arguments if each is not types.NoneType)
        return _convert(inner, value, path)
    if dataclasses.is_dataclass(origin):
        return _build(origin, value, f"{path}.")
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{path} should be a list")
        return tuple(_convert(arguments[0], each, path) for each in value)
    if origin is int and isinstance(value, float) and value.is_integer():
        return int(value)  # the engine knows only one kind of number
    if issubclass(origin, StrEnum):
        return origin(value)
    if not isinstance(value, origin) or (origin is int and isinstance(value, bool)):
        raise TypeError(f"{path} should be {origin.__name__}, not {type(value).__name__}")
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
