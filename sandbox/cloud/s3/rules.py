"""A bucket's replication configuration, and which of its rules select an object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """One rule. ``filtered`` (the V2 schema): it has a Filter, so delete markers are replicated only if it says so."""

    id: str
    priority: int
    enabled: bool
    filtered: bool
    prefix: str
    tags: frozenset[tuple[str, str]]
    destination: str
    """The name of the destination bucket."""
    storage_class: str | None
    delete_markers: bool
    kms_objects: bool
    replica_key: str | None
    replica_modifications: bool
    metrics: bool

    def selects(self, name: str, tags: Mapping[str, str]) -> bool:
        """Whether it is enabled and its filter fits."""
        return self.enabled and name.startswith(self.prefix) and self.tags <= set(tags.items())

    @property
    def takes_delete_markers(self) -> bool:
        """A V1 rule always does ("Backward compatibility considerations")."""
        return self.delete_markers if self.filtered else True


@dataclass(frozen=True)
class ReplicationConfiguration:
    """What PutBucketReplication accepted. ``document`` is what GetBucketReplication shows of it."""

    role: str
    rules: tuple[Rule, ...]
    document: Mapping[str, Any]

    def for_object(self, name: str, tags: Mapping[str, str], *, kms: bool) -> dict[str, Rule]:
        """The rule for each destination that a new object goes to."""
        return self._best(rule for rule in self.rules if rule.selects(name, tags) and (rule.kms_objects or not kms))

    def for_delete_marker(self, name: str) -> dict[str, Rule]:
        """The rule for each destination that a delete marker goes to; rules with tags never take one."""
        return self._best(
            rule for rule in self.rules if rule.selects(name, {}) and rule.takes_delete_markers and not rule.tags
        )

    def for_replica_change(self, name: str, tags: Mapping[str, str]) -> dict[str, Rule]:
        """The rules that carry a change of a replica's metadata back ("Replica modification sync")."""
        return self._best(rule for rule in self.rules if rule.replica_modifications and rule.selects(name, tags))

    def rule_to(self, destination: str, rule_id: str) -> Rule | None:
        """The rule of this id if it still leads there and is enabled."""
        return next(
            (rule for rule in self.rules if rule.id == rule_id and rule.destination == destination and rule.enabled),
            None,
        )

    @staticmethod
    def _best(rules: Iterable[Rule]) -> dict[str, Rule]:
        """Of the rules to one destination the one with the highest priority is followed."""
        chosen: dict[str, Rule] = {}
        for rule in rules:
            known = chosen.get(rule.destination)
            if known is None or rule.priority > known.priority:
                chosen[rule.destination] = rule
        return chosen
