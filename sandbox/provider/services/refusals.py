"""Refusals that several services share: an input without an implementation is never ignored silently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.core.values import Unknown

Failure = tuple[str, str]
"""A property and why it is refused."""

# the account may be a word: AWS's own policies belong to "aws"
_ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}|aws|aws-managed|aws-marketplace|third-party)?:.+")


def unsupported(inputs: Mapping[str, Any], names: Iterable[str], instead: str = "remove it") -> list[Failure]:
    """A refusal for each of these inputs that the program sets. ``instead`` says what to do.

    Empty values are no refusal: they say what is so anyway, and an import writes them down.
    """
    return [
        (name, f'"{name}" is not supported by the sandbox\'s provider: {instead}')
        for name in sorted(names)
        if inputs.get(name) not in (None, False, 0, "", [], {})
    ]


def only(inputs: Mapping[str, Any], name: str, allowed: Iterable[Any]) -> list[Failure]:
    """A refusal when the input is known and none of ``allowed``."""
    values = list(allowed)
    value = inputs.get(name)
    if value is None or isinstance(value, Unknown) or value in values:
        return []
    return [(name, f'expected "{name}" to be one of {values}, got {value}')]


def between(inputs: Mapping[str, Any], name: str, low: int, high: int) -> list[Failure]:
    """A refusal when the input is known and outside low..high, both included."""
    value = inputs.get(name)
    if value is None or isinstance(value, Unknown) or low <= value <= high:
        return []
    return [(name, f'expected "{name}" to be in the range ({low} - {high}), got {value}')]


def arn(inputs: Mapping[str, Any], name: str) -> list[Failure]:
    """A refusal when the input is known and no ARN: the genuine provider checks this before it plans."""
    value = inputs.get(name)
    if value in (None, "") or isinstance(value, Unknown) or _ARN.fullmatch(str(value)):
        return []
    return [(name, f'"{name}" ({value}) is an invalid ARN: give the whole ARN (arn:aws:...), not an id or a name')]


def texts(inputs: Mapping[str, Any], names: Iterable[str]) -> list[Failure]:
    """A refusal for each of these inputs that is no text, without naming the value as botocore would."""
    return [
        (name, f'"{name}" must be a text')
        for name in names
        if name in inputs and not isinstance(inputs[name], str | Unknown)
    ]
