"""What is known of each resource type of the genuine provider, as data: see ``facts.json`` and docs/provider.md."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Autoname:
    """How an unset name is made: resource name + separator + random hexadecimal characters."""

    property: str
    separator: str
    random_hex: int
    max_length: int


@dataclass(frozen=True)
class Facts:
    """One resource type. Paths are camelCase; a ``[]`` step stands for every element of a list."""

    token: str
    inputs: frozenset[str]
    required: frozenset[str]
    computed: frozenset[str]
    """Outputs that AWS fills in; an input that is also here is optional+computed: removing it is no difference."""
    replace_on: frozenset[str]
    delete_before_replace: bool
    autoname: Autoname | None
    has_region: bool


@cache
def all_facts() -> dict[str, Facts]:
    """Every known type by its token. Read once: the file ships with the package."""
    text = resources.files("sandbox.provider").joinpath("facts.json").read_text(encoding="utf-8")
    return {token: _parse(token, raw) for token, raw in json.loads(text)["types"].items()}


def _parse(token: str, raw: dict[str, object]) -> Facts:
    def names(key: str) -> frozenset[str]:
        value = raw.get(key, [])
        if not isinstance(value, list):
            raise TypeError(f"facts.json: {token}.{key} must be a list")
        return frozenset(str(item).partition(" (")[0] for item in value)  # a remark may follow in parentheses

    auto = raw.get("autoname")
    autoname = None
    if isinstance(auto, dict):
        autoname = Autoname(auto["property"], auto["separator"], auto["random_hex"], auto["max_length"])
    return Facts(
        token=token,
        inputs=names("inputs"),
        required=names("required_inputs"),
        computed=names("computed_outputs"),
        replace_on=names("replace_on_change"),
        delete_before_replace=bool(raw.get("delete_before_replace", False)),
        autoname=autoname,
        has_region=bool(raw.get("has_region_input", False)),
    )
