"""Check: refuse what the type does not know, fill in what the genuine provider fills in (defaults, region, names)."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from sandbox.provider.core.facts import Autoname
from sandbox.provider.core.resource import Resource
from sandbox.provider.core.values import Properties, has_unknown

Failure = tuple[str, str]
"""A property and why it is refused."""

FILLED = "__defaults"
"""Input that lists what Check filled in, as the genuine provider keeps it: it tells a given name from a made one."""


def check(
    kind: type[Resource], *, name: str, region: str, seed: bytes, old: Properties, new: Properties
) -> tuple[Properties, Sequence[Failure]]:
    """The inputs as they go into the state, and the refusals. ``old`` are the inputs of the last update."""
    facts = kind.facts()
    failures: list[Failure] = [
        (key, f'unknown property "{key}" of {kind.token}: the provider has no such input')
        for key in sorted(set(new) - facts.inputs - {FILLED})
    ]
    inputs = {key: value for key, value in new.items() if key in facts.inputs}
    given = set(inputs)
    for key, value in kind.defaults.items():
        inputs.setdefault(key, value)
    if facts.has_region:
        inputs.setdefault("region", region)
    if facts.autoname:
        _fill_name(inputs, old, facts.autoname, f"{kind.made_name_prefix}{name}", seed)
    inputs[FILLED] = sorted(set(inputs) - given)
    failures += [
        (key, f'missing required property "{key}" of {kind.token}')
        for key in sorted(facts.required)
        if key not in inputs
    ]
    for group in kind.conflicts:
        clash = sorted(key for key in group if key in given)
        failures += [(key, f'"{key}": conflicts with {clash[0]}') for key in clash[1:]]
    for key in kind.json_documents:
        failures += _check_json(key, inputs.get(key))
    failures += kind.check(inputs)
    return inputs, failures


def _check_json(key: str, value: Any) -> list[Failure]:
    if value is None or has_unknown(value):
        return []
    try:
        json.loads(value)
    except ValueError as error:
        return [(key, f'"{key}" contains an invalid JSON: {error}')]
    return []


def _fill_name(inputs: Properties, old: Properties, auto: Autoname, name: str, seed: bytes) -> None:
    prefix_key = f"{auto.property}Prefix"
    if auto.property in inputs:
        return
    if prefix_key in inputs and not has_unknown(inputs[prefix_key]):
        stem = str(inputs[prefix_key])
    else:
        stem = f"{name}{auto.separator}"
    if auto.property in old.get(FILLED, ()):
        # the made name stays; for a replacement the engine asks again without the old inputs
        inputs[auto.property] = old[auto.property]
        return
    digits = random.Random(seed or None)  # noqa: S311 - names, not secrets; the engine's seed makes them repeatable
    suffix = "".join(digits.choice("0123456789abcdef") for _ in range(auto.random_hex))
    inputs[auto.property] = _fold(auto, stem)[: auto.max_length - auto.random_hex] + suffix


def _fold(auto: Autoname, stem: str) -> str:
    # bucket names and replication group ids are lower-case only
    return stem.lower() if auto.property in {"bucket", "replicationGroupId", "identifier"} else stem
