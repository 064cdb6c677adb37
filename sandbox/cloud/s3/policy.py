"""What a policy document says about one access: an explicit deny, an allow, or nothing.

"Policy evaluation logic" and "IAM JSON policy elements: Condition operators" (IAM user guide). moto's own evaluation
takes a statement whose condition it does not know for fulfilled, so the usual "deny what is not TLS" would deny all.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any


class Verdict(Enum):
    """Of one document; a deny in any document wins over every allow."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"


@dataclass(frozen=True)
class Principal:
    """Who asks. Anonymous if all is empty; ``service`` for an AWS service (``s3.amazonaws.com``)."""

    arn: str = ""
    account: str = ""
    service: str = ""


@dataclass(frozen=True)
class Access:
    """One access. ``context`` holds condition keys in lower case (``aws:securetransport``)."""

    action: str
    resource: str
    principal: Principal
    context: Mapping[str, str] = field(default_factory=dict)


def evaluate(document: str | bytes | Mapping[str, Any], access: Access) -> Verdict:
    """The verdict of one document. Raises ValueError if it is not JSON."""
    policy = json.loads(document) if isinstance(document, str | bytes) else document
    verdict = Verdict.SILENT
    for statement in _list(policy.get("Statement")):
        if not _concerns(statement, access):
            continue
        if statement.get("Effect") == "Deny":
            return Verdict.DENY
        verdict = Verdict.ALLOW
    return verdict


def evaluate_all(documents: Iterable[str | bytes | Mapping[str, Any]], access: Access) -> Verdict:
    """The verdict of all of a principal's documents together."""
    verdicts = {evaluate(document, access) for document in documents}
    for verdict in (Verdict.DENY, Verdict.ALLOW):
        if verdict in verdicts:
            return verdict
    return Verdict.SILENT


def is_public(document: str | bytes) -> bool:
    """Whether it allows something to everybody ("Blocking public access: the meaning of public").

    A condition makes a statement non-public here; AWS accepts only some conditions as narrow enough.
    """
    return any(
        statement.get("Effect") == "Allow" and "Condition" not in statement and _everybody(statement.get("Principal"))
        for statement in _list(json.loads(document).get("Statement"))
    )


def _concerns(statement: Mapping[str, Any], access: Access) -> bool:
    return (
        _element(statement, "Action", access.action, ignore_case=True)
        and _element(statement, "Resource", access.resource)
        and _principal(statement, access.principal)
        and all(
            _condition(operator, str(key), _list(values), access.context)
            for operator, wanted in (statement.get("Condition") or {}).items()
            for key, values in wanted.items()
        )
    )


def _element(statement: Mapping[str, Any], name: str, value: str, *, ignore_case: bool = False) -> bool:
    """An element or its ``Not`` form; a trust policy has no Resource and means the role itself."""
    negated = f"Not{name}" in statement
    patterns = _list(statement.get(f"Not{name}" if negated else name))
    if not patterns:
        return name == "Resource"
    return any(_like(str(pattern), value, ignore_case=ignore_case) for pattern in patterns) != negated


def _principal(statement: Mapping[str, Any], principal: Principal) -> bool:
    if "NotPrincipal" in statement:
        return not _names(statement["NotPrincipal"], principal)
    # policies of users and roles name no principal: it is the one that they are attached to
    return "Principal" not in statement or _names(statement["Principal"], principal)


def _names(element: Any, principal: Principal) -> bool:
    if _everybody(element):
        return True
    if not isinstance(element, Mapping):
        return False
    if principal.service and principal.service in _list(element.get("Service")):
        return True
    wanted = _list(element.get("AWS"))
    whole_account = {principal.account, f"arn:aws:iam::{principal.account}:root"} if principal.account else set()
    return any(name == principal.arn or name in whole_account for name in wanted if name)


def _everybody(element: Any) -> bool:
    return element == "*" or (isinstance(element, Mapping) and "*" in _list(element.get("AWS")))


def _condition(operator: str, key: str, wanted: Sequence[Any], context: Mapping[str, str]) -> bool:
    """One condition key. A key that the call does not have fulfils only negated and ``IfExists`` operators."""
    name = operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    actual = context.get(key.lower())
    if name == "Null":
        return any((actual is None) == (str(value).lower() == "true") for value in wanted)
    negated = "Not" in name
    if actual is None:
        return negated or optional or operator.startswith("ForAllValues:")
    test = _TESTS.get(name.replace("Not", "", 1))
    if test is None:
        return False
    return any(test(_text(value), actual) for value in wanted) != negated


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_network(network: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def test(wanted: str, actual: str) -> bool:
        try:
            return compare(float(actual), float(wanted))
        except ValueError:
            return False

    return test


@cache
def _pattern(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    expression = "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _like(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    return _pattern(pattern, ignore_case).fullmatch(value) is not None


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


# Times are compared as ISO 8601 text in UTC, which sorts as the times do.
_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringEqualsIgnoreCase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
    "IpAddress": _in_network,
    "NumericEquals": _number(lambda actual, wanted: actual == wanted),
    "NumericLessThan": _number(lambda actual, wanted: actual < wanted),
    "NumericLessThanEquals": _number(lambda actual, wanted: actual <= wanted),
    "NumericGreaterThan": _number(lambda actual, wanted: actual > wanted),
    "NumericGreaterThanEquals": _number(lambda actual, wanted: actual >= wanted),
    "DateLessThan": lambda wanted, actual: actual < wanted,
    "DateLessThanEquals": lambda wanted, actual: actual <= wanted,
    "DateGreaterThan": lambda wanted, actual: actual > wanted,
    "DateGreaterThanEquals": lambda wanted, actual: actual >= wanted,
}
