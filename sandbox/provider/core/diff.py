"""Diff: which inputs differ from the state, and whether that is done in place, by replacement, or deletes first.

The state (what AWS last said) is compared with the program's inputs, so a drift that a refresh found shows up here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.provider.core.check import FILLED
from sandbox.provider.core.resource import Resource, canonical_json
from sandbox.provider.core.values import Properties, Unknown, has_unknown


@dataclass(frozen=True)
class Change:
    """One path that differs. ``kind`` is add, delete or update, as the engine names them."""

    path: str
    kind: str
    replace: bool

    @property
    def top(self) -> str:
        """The input that the path begins with."""
        return self.path.split(".", 1)[0].split("[", 1)[0]


@dataclass(frozen=True)
class Diff:
    """All differences of one resource."""

    changes: tuple[Change, ...]
    delete_before_replace: bool

    @property
    def replace(self) -> bool:
        """Whether any change replaces the resource."""
        return any(change.replace for change in self.changes)

    @property
    def changed(self) -> frozenset[str]:
        """The top-level inputs that differ."""
        return frozenset(change.top for change in self.changes)


def diff(kind: type[Resource], *, state: Properties, old_inputs: Properties, new: Properties) -> Diff:
    """Compare. ``state`` is what the last update or refresh left, ``new`` what Check made of the program."""
    facts = kind.facts()
    found: list[Change] = []
    for key in sorted((set(new) | set(old_inputs) | set(state)) & facts.inputs):
        for path, what in _compare_input(kind, key, state, old_inputs, new):
            found.append(Change(path, what, _replaces(kind, path, state, new)))
    # a name that the program gave itself cannot exist twice: every replacement then deletes first
    named = facts.autoname is not None and facts.autoname.property not in new.get(FILLED, ())
    return Diff(tuple(found), facts.delete_before_replace or named)


def _compare_input(
    kind: type[Resource], key: str, state: Properties, old_inputs: Properties, new: Properties
) -> Iterator[tuple[str, str]]:
    facts = kind.facts()
    if key in new:
        # after an update that failed half-way the inputs say what was wanted, and only the state what is
        before = state.get(key, old_inputs.get(key) if key in kind.write_only else None)
        if before is None:
            if not _is_zero(new[key]):
                yield key, "add"
            return
        yield from _compare(kind, key, before, new[key], old_inputs.get(key))
        return
    if key in kind.computed() or (key in kind.write_only and key not in old_inputs):
        return  # optional and computed: the live value stays
    if key in facts.inputs and not _is_zero(state.get(key)):
        yield key, "delete"


def _compare(kind: type[Resource], path: str, old: Any, new: Any, old_input: Any) -> Iterator[tuple[str, str]]:
    plain = _plain(path)
    if isinstance(new, Unknown):
        yield path, "update"
        return
    verdict = None if has_unknown(new) else kind.same(plain, old, new)
    if verdict is not None:
        if not verdict:
            yield path, "update"
        return
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        yield from _compare_maps(kind, path, old, new, old_input if isinstance(old_input, Mapping) else {})
    elif isinstance(new, list) and isinstance(old, list):
        yield from _compare_lists(kind, path, old, new, old_input if isinstance(old_input, list) else [])
    elif plain in kind.json_documents and isinstance(old, str) and isinstance(new, str):
        if canonical_json(old) != canonical_json(new):
            yield path, "update"
    elif old != new and not (_is_zero(old) and _is_zero(new)):
        yield path, "update"


def _compare_maps(
    kind: type[Resource], path: str, old: Mapping[str, Any], new: Mapping[str, Any], old_input: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    is_free_map = _plain(path) == "tags" or path.split(".", 1)[0].split("[", 1)[0] in kind.owned
    for key in sorted(set(old) | set(new)):
        here = f"{path}.{key}"
        if key not in old:
            if not _is_zero(new[key]):
                yield here, "add"
        elif key not in new:
            # a nested value that the program never set is the service's own, but in a map of free keys it is drift
            ours = key in old_input or (is_free_map and _plain(here) not in kind.computed())
            if ours and not _is_hollow(old[key]):
                yield here, "delete"
        else:
            yield from _compare(kind, here, old[key], new[key], old_input.get(key))


def _compare_lists(
    kind: type[Resource], path: str, old: list[Any], new: list[Any], old_input: list[Any]
) -> Iterator[tuple[str, str]]:
    if _plain(path) in kind.unordered and not has_unknown(new):
        rest = list(old)
        for item in new:
            match = next((other for other in rest if not list(_compare(kind, f"{path}[0]", other, item, None))), None)
            if match is None:
                yield path, "update"
                return
            rest.remove(match)
        if rest:
            yield path, "update"
        return
    for index in range(max(len(old), len(new))):
        here = f"{path}[{index}]"
        if index >= len(old):
            yield here, "add"
        elif index >= len(new):
            yield here, "delete"
        else:
            before = old_input[index] if index < len(old_input) else None
            yield from _compare(kind, here, old[index], new[index], before)


def _replaces(kind: type[Resource], path: str, state: Properties, new: Properties) -> bool:
    plain = _plain(path)
    verdict = kind.replaces(plain, state, new)
    if verdict is not None:
        return verdict
    return any(plain == rule or plain.startswith((f"{rule}.", f"{rule}[")) for rule in kind.facts().replace_on)


def _plain(path: str) -> str:
    """The path without list positions, as the facts write it (``rules[].id``)."""
    parts = []
    rest = path
    while "[" in rest:
        head, _, tail = rest.partition("[")
        parts.append(f"{head}[]")
        rest = tail.partition("]")[2]
    return "".join([*parts, rest])


def _is_zero(value: Any) -> bool:
    return value is None or (not isinstance(value, Unknown) and value in (False, 0, "", [], {}))


def _is_hollow(value: Any) -> bool:
    # {"prefix": ""} says no more than nothing
    return _is_zero(value) or (isinstance(value, Mapping) and all(_is_hollow(item) for item in value.values()))
