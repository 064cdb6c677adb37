"""The table of resource types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.provider.core.facts import all_facts
from sandbox.provider.core.resource import Resource


def table(kinds: Iterable[type[Resource]]) -> Mapping[str, type[Resource]]:
    """Resource classes by token. A class without facts, or two of one token, is a mistake of the provider's authors."""
    by_token: dict[str, type[Resource]] = {}
    for kind in kinds:
        if kind.token not in all_facts():
            raise LookupError(f"{kind.__name__}: facts.json has no type {kind.token}")
        if kind.token in by_token:
            raise LookupError(f"{kind.token} is implemented twice: {by_token[kind.token].__name__}, {kind.__name__}")
        by_token[kind.token] = kind
    return by_token
