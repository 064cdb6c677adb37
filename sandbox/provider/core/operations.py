"""The engine's operations on one resource, in plain Python: previews, states, partial failures, imports."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.provider.core.check import FILLED
from sandbox.provider.core.diff import diff
from sandbox.provider.core.resource import Call, Resource, ResourceError
from sandbox.provider.core.values import UNKNOWN, Properties


@dataclass(eq=False)
class PartialFailure(Exception):  # noqa: N818 - it is a state, reported to the engine as such
    """The resource exists, but making or changing it did not come to its end."""

    resource_id: str
    state: Properties = field(repr=False)  # passwords are in both
    inputs: Properties = field(repr=False)
    cause: Exception

    def __str__(self) -> str:
        return f"{self.resource_id}: {self.cause}"


@dataclass(frozen=True)
class Made:
    """A resource as the engine keeps it. An empty id says that it does not exist."""

    resource_id: str
    state: Properties
    inputs: Properties


def preview_create(kind: type[Resource], inputs: Properties) -> Properties:
    """What is known before it is made: the inputs, and every computed output as unknown."""
    unknown = {key: UNKNOWN for key in kind.computed() if "." not in key and "[" not in key and key != "id"}
    return {**unknown, **_visible(inputs)}


def preview_update(kind: type[Resource], state: Properties, old_inputs: Properties, new: Properties) -> Properties:
    """The state with the new inputs over it, and unknown what they will change."""
    changed = diff(kind, state=state, old_inputs=old_inputs, new=new).changed
    gone = set(old_inputs) - set(new) - kind.computed()
    kept = {key: value for key, value in state.items() if key not in gone}
    return {**kept, **_visible(new), **dict.fromkeys(kind.unknown_after(changed), UNKNOWN)}


def create(kind: type[Resource], call: Call, inputs: Properties) -> Made:
    """Make it and read it back. Raises PartialFailure when it exists but is not finished."""
    resource = kind(call)
    try:
        resource_id = resource.create(inputs)
        call.made(resource_id)  # also where the class forgot to say it: what exists must not be lost
        state = _read_back(resource, resource_id, inputs)
    except Exception as error:
        if call.made_id is None:
            raise
        state = _best_state(resource, call.made_id, inputs)
        raise PartialFailure(call.made_id, state, inputs, error) from error
    return Made(resource_id, state, inputs)


def update(
    kind: type[Resource], call: Call, resource_id: str, state: Properties, old_inputs: Properties, new: Properties
) -> Made:
    """Change it in place and read it back. Raises PartialFailure with the state that was reached."""
    resource = kind(call)
    changed = diff(kind, state=state, old_inputs=old_inputs, new=new).changed
    try:
        if changed - kind.state_only:
            resource.update(resource_id, {**old_inputs, **state}, new, changed)
        # snapshotIdentifier and its kind: AWS never says them, and leaving them out of the program does not unset them
        kept = {key: state[key] for key in kind.write_only & kind.computed() if key in state}
        return Made(resource_id, _read_back(resource, resource_id, {**kept, **new}), new)
    except Exception as error:
        reached = _best_state(resource, resource_id, old_inputs)
        raise PartialFailure(resource_id, reached, old_inputs, error) from error


def read(kind: type[Resource], call: Call, resource_id: str, state: Properties, inputs: Properties) -> Made:
    """Look again (refresh), or for the first time (import: no inputs yet)."""
    live = kind(call).read(resource_id, state)
    if live is None:
        return Made("", {}, {})
    importing = not inputs
    regional = {"region": call.region} if kind.facts().has_region else {}
    merged = _merge(kind, live, regional if importing else {**state, **inputs})
    if importing:
        return Made(str(live.get("id", resource_id)), merged, _import_inputs(kind, merged, call.region))
    fresh = {key: merged.get(key) for key in inputs if key in merged}
    known = {key: value for key, value in fresh.items() if value is not None}
    drifted = {key: value for key, value in _drift(kind, merged, inputs).items() if key not in known}
    kept = {key: inputs[key] for key in inputs if key in kind.write_only or key == FILLED}
    same = _as_written(kind, inputs, {**known, **drifted})
    return Made(str(live.get("id", resource_id)), merged, {**same, **kept})


def delete(kind: type[Resource], call: Call, resource_id: str, state: Properties, inputs: Properties) -> None:
    """Delete it by what the state says: the program may be gone."""
    kind(call).delete(resource_id, {**_visible(inputs), **state})


def _as_written(kind: type[Resource], inputs: Properties, fresh: Properties) -> Properties:
    """Where AWS says the same as before in other words (a folded policy, an order), the program's words stay."""
    changed = diff(kind, state=fresh, old_inputs=inputs, new=inputs).changed
    return {key: value if key in changed else inputs.get(key, value) for key, value in fresh.items()}


def _drift(kind: type[Resource], merged: Properties, inputs: Properties) -> Properties:
    """Settings that somebody made behind the engine's back and that the program never mentioned."""
    plain = kind.facts().inputs - kind.computed() - set(kind.defaults) - set(inputs)
    return {key: merged[key] for key in plain if merged.get(key) not in (None, False, 0, "", [], {})}


def _import_inputs(kind: type[Resource], merged: Properties, region: str) -> Properties:
    facts = kind.facts()
    inputs = {key: merged[key] for key in facts.inputs if merged.get(key) not in (None, "", [], {})}
    for key, value in kind.defaults.items():
        inputs.setdefault(key, value)
    if facts.has_region:
        inputs.setdefault("region", region)
    return {**inputs, FILLED: []}


def _read_back(resource: Resource, resource_id: str, inputs: Properties) -> Properties:
    live = resource.read(resource_id, _visible(inputs))
    if live is None:
        raise ResourceError(f"{resource.token} {resource_id} is not to be found right after it was made")
    return _merge(type(resource), live, inputs)


def _best_state(resource: Resource, resource_id: str, inputs: Properties) -> Properties:
    try:
        return _read_back(resource, resource_id, inputs)
    except Exception:  # noqa: BLE001 - the first error is the one to report; the state is then what was asked for
        return _visible(inputs)


def _merge(kind: type[Resource], live: Properties, known: Properties) -> Properties:
    """AWS's answer, and from what was known before only what AWS never says."""
    silent = {key: value for key, value in _visible(known).items() if key in kind.write_only and key not in live}
    regional = {"region": known["region"]} if "region" in known and "region" not in live else {}
    return {key: value for key, value in {**regional, **silent, **live}.items() if value is not None}


def _visible(inputs: Properties) -> Properties:
    return {key: value for key, value in inputs.items() if not key.startswith("__")}
