"""Which operation of a service a request calls, found from botocore's service models (the ones that moto has loaded).

Query and JSON protocols name it; REST services are told apart by method, path, the literal parts of the query
(``?acl``) and the headers and query parameters that an operation requires.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel
from moto.core.utils import get_service_model

UNKNOWN = "Unknown"

# Services that sign with another name than the one they are known by (botocore's client name).
CLIENT_NAMES = {
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "email": "ses",
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}

_SMITHY_RPC = re.compile(r"^/service/[^/]+/operation/([^/]+)$")
_LABEL = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Question:
    """What of a request tells its operation. ``path`` is decoded; ``form`` only for the query protocol."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    target: str = ""
    form: Mapping[str, str] | None = None


@dataclass(frozen=True)
class _Route:
    name: str
    method: str
    path: re.Pattern[str]
    fixed_segments: int
    literals: tuple[tuple[str, str], ...]
    required_query: tuple[str, ...]
    required_headers: tuple[str, ...]
    deprecated: bool

    def matches(self, question: Question) -> bool:
        return (
            self.method == question.method
            and all(question.query.get(name) == value for name, value in self.literals)
            and all(name in question.query for name in self.required_query)
            and all(name in question.headers for name in self.required_headers)
            and self.path.fullmatch(question.path) is not None
        )

    @property
    def weight(self) -> tuple[int, int, int, bool]:
        """The more a route asks for, the more certain it is; of two equals the one that is not deprecated."""
        required = len(self.required_query) + len(self.required_headers)
        return (self.fixed_segments, len(self.literals), required, not self.deprecated)


def operation_name(service: str, question: Question) -> str:
    """The name of the operation as botocore spells it; ``Unknown`` if no operation of the service fits."""
    if question.form is not None and "Action" in question.form:
        return question.form["Action"]
    if "Action" in question.query and service not in {"s3", "s3-control"}:
        return question.query["Action"]
    if question.target:
        return question.target.rsplit(".", 1)[-1]
    rpc = _SMITHY_RPC.fullmatch(question.path)
    if rpc is not None:
        return rpc[1]
    found = [route for route in _routes(service) if route.matches(question)]
    return max(found, key=lambda route: route.weight).name if found else UNKNOWN


@cache
def _routes(service: str) -> tuple[_Route, ...]:
    try:
        model = get_service_model(service)
    except UnknownServiceError:
        return ()
    return tuple(_route(model.operation_model(name)) for name in model.operation_names)


def _route(operation: OperationModel) -> _Route:
    http = operation.http
    path, _, query = str(http.get("requestUri", "/")).partition("?")
    shape = operation.input_shape
    required = [shape.members[name].serialization for name in shape.required_members] if shape is not None else []
    names = {place: tuple(_wire_name(member, place) for member in required) for place in ("querystring", "header")}
    return _Route(
        name=str(operation.name),
        method=str(http.get("method", "POST")),
        path=_pattern(path),
        fixed_segments=sum(1 for segment in path.split("/") if segment and "{" not in segment),
        literals=tuple(parse_qsl(query, keep_blank_values=True)),
        required_query=tuple(filter(None, names["querystring"])),
        required_headers=tuple(name.lower() for name in names["header"] if name),
        deprecated=operation.deprecated,
    )


def _wire_name(serialization: Mapping[str, str], place: str) -> str:
    return serialization.get("name", "") if serialization.get("location") == place else ""


def _pattern(path: str) -> re.Pattern[str]:
    """``/{Bucket}/{Key+}`` as a regular expression; a slash at the end of the request is free."""
    parts = _LABEL.split(path.rstrip("/"))
    expression = "".join(
        (".+" if part.endswith("+") else "[^/]+") if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    return re.compile(f"{expression}/*", re.DOTALL)
