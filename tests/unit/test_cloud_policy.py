"""What a policy document says about one access."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cloud.s3.policy import Access, Principal, Verdict, evaluate, evaluate_all, is_public

ACCOUNT = "123456789012"
ROLE = Principal(arn=f"arn:aws:iam::{ACCOUNT}:role/app", account=ACCOUNT)
ANYBODY = Principal()
READ = "s3:GetObject"
OBJECT = "arn:aws:s3:::bucket/dir/a.txt"


def policy(**changes: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": READ, "Resource": "arn:aws:s3:::bucket/*", **changes}]}


def verdict(document: dict[str, Any], principal: Principal = ROLE, **context: str) -> Verdict:
    named = {name.replace("__", ":").replace("_", "-"): value for name, value in context.items()}
    return evaluate(document, Access(READ, OBJECT, principal, named))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Verdict.ALLOW),
        ({"Action": ["s3:PutObject", "s3:Get*"]}, Verdict.ALLOW),
        ({"Action": "S3:getobject"}, Verdict.ALLOW),
        ({"Action": "s3:GetObjectVersion"}, Verdict.SILENT),
        ({"Resource": "arn:aws:s3:::bucket/dir/?.txt"}, Verdict.ALLOW),
        ({"Resource": "arn:aws:s3:::bucket/dir/aXtxt"}, Verdict.SILENT),
        ({"Resource": "arn:aws:s3:::bucket"}, Verdict.SILENT),
        ({"NotResource": "arn:aws:s3:::bucket/other/*", "Resource": None}, Verdict.ALLOW),
        ({"Effect": "Deny"}, Verdict.DENY),
    ],
)
def test_action_and_resource(changes: dict[str, Any], expected: Verdict) -> None:
    assert verdict(policy(**changes)) is expected


@pytest.mark.parametrize(
    ("principal", "element", "expected"),
    [
        (ANYBODY, "*", Verdict.ALLOW),
        (ANYBODY, {"AWS": "*"}, Verdict.ALLOW),
        (ANYBODY, {"AWS": ROLE.arn}, Verdict.SILENT),
        (ANYBODY, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Verdict.SILENT),
        (ROLE, {"AWS": [ROLE.arn]}, Verdict.ALLOW),
        (ROLE, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Verdict.ALLOW),
        (ROLE, {"AWS": ACCOUNT}, Verdict.ALLOW),
        (ROLE, {"Service": "s3.amazonaws.com"}, Verdict.SILENT),
        (Principal(service="s3.amazonaws.com"), {"Service": ["s3.amazonaws.com"]}, Verdict.ALLOW),
    ],
)
def test_principals(principal: Principal, element: Any, expected: Verdict) -> None:
    assert verdict(policy(Principal=element), principal) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Bool": {"aws:SecureTransport": "true"}}, Verdict.ALLOW),
        ({"Bool": {"aws:SecureTransport": False}}, Verdict.SILENT),
        ({"StringEquals": {"s3:prefix": ["a", "b"]}}, Verdict.ALLOW),
        ({"StringNotEquals": {"s3:prefix": "b"}}, Verdict.SILENT),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, Verdict.SILENT),
        ({"StringNotLike": {"aws:PrincipalArn": "arn:*"}}, Verdict.ALLOW),
        ({"StringLikeIfExists": {"aws:PrincipalArn": "x"}}, Verdict.ALLOW),
        ({"Null": {"aws:PrincipalArn": "true"}}, Verdict.ALLOW),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, Verdict.ALLOW),
        ({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, Verdict.SILENT),
        ({"NumericLessThan": {"s3:max-keys": "10"}}, Verdict.ALLOW),
        ({"NumericGreaterThanEquals": {"s3:max-keys": "10"}}, Verdict.SILENT),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, Verdict.ALLOW),
        ({"ForAnyValue:StringEquals": {"s3:prefix": "b"}}, Verdict.ALLOW),
        ({"NoSuchOperator": {"s3:prefix": "b"}}, Verdict.SILENT),
        ({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"s3:prefix": "z"}}, Verdict.SILENT),
    ],
)
def test_conditions_must_all_hold(condition: dict[str, Any], expected: Verdict) -> None:
    context = {
        "aws:securetransport": "true",
        "s3:prefix": "b",
        "aws:sourceip": "127.0.0.1",
        "s3:max-keys": "5",
        "aws:currenttime": "2025-06-01T00:00:00Z",
    }
    document = policy(Condition=condition)
    assert evaluate(document, Access(READ, OBJECT, ROLE, context)) is expected


def test_a_deny_wins_over_every_allow() -> None:
    access = Access(READ, OBJECT, ROLE)
    assert evaluate_all([policy(), policy(Effect="Deny"), policy()], access) is Verdict.DENY
    assert evaluate_all([policy(Action="s3:PutObject"), policy()], access) is Verdict.ALLOW
    assert evaluate_all([], access) is Verdict.SILENT


def test_a_trust_policy_has_no_resource() -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    access = Access("sts:AssumeRole", ROLE.arn, Principal(service="s3.amazonaws.com"))
    assert evaluate({"Statement": trust}, access) is Verdict.ALLOW


@pytest.mark.parametrize(
    ("statement", "public"),
    [
        ('{"Effect": "Allow", "Principal": "*"}', True),
        ('{"Effect": "Allow", "Principal": {"AWS": ["*"]}}', True),
        ('{"Effect": "Deny", "Principal": "*"}', False),
        ('{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}', False),
        ('{"Effect": "Allow", "Principal": "*", "Condition": {"IpAddress": {}}}', False),
    ],
)
def test_public_is_what_everybody_is_allowed(statement: str, public: bool) -> None:
    assert is_public(f'{{"Statement": [{statement}]}}') is public
