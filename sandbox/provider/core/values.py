"""Property values between the engine's protobuf structs and plain Python.

The engine marks unknown values by a sentinel string and wraps special values (secrets, outputs, assets) in objects
with a signature key. Here an unknown is the object ``UNKNOWN``; secrets arrive unwrapped, because the provider declares
that it does not accept them: the engine then marks in the outputs what was secret in the inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import struct_pb2

Properties = dict[str, Any]
"""One resource's properties by their camelCase names: the wire edge, typed by the facts and not by Python."""

_UNKNOWN_STRINGS: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string, as pulumi.runtime.rpc.UNKNOWN
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark of a secret
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


class Unknown:
    """A value that the engine will know only after something else has been made."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """The properties of a message; keys whose value is null are left out, as the genuine provider treats them."""
    return {key: _from_value(value) for key, value in struct.fields.items() if not value.HasField("null_value")}


def _from_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWN_STRINGS else value.string_value
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "struct_value":
            return _from_object(value.struct_value)
        case _:
            return None


def _from_object(struct: struct_pb2.Struct) -> Any:
    if _SIGNATURE not in struct.fields:
        return from_struct(struct)
    if struct.fields[_SIGNATURE].string_value not in (_SECRET, _OUTPUT):
        raise ValueError("assets, archives and resource references are not supported by this provider")
    return _from_value(struct.fields["value"]) if "value" in struct.fields else UNKNOWN


def to_struct(properties: Mapping[str, Any], secrets: frozenset[str] = frozenset()) -> struct_pb2.Struct:
    """The message of properties; ``None`` is left out. Those named in ``secrets`` are marked as secret."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        if value is not None:
            marked = {_SIGNATURE: _SECRET, "value": value} if key in secrets and value != "" else value
            struct.fields[key].CopyFrom(_to_value(marked))
    return struct


def _to_value(value: Any) -> struct_pb2.Value:
    result = struct_pb2.Value()
    match value:
        case None:
            result.null_value = struct_pb2.NULL_VALUE
        case Unknown():
            result.string_value = _UNKNOWN_STRING
        case bool():
            result.bool_value = value
        case int() | float():
            result.number_value = value
        case str():
            result.string_value = value
        case Mapping():
            result.struct_value.CopyFrom(to_struct(value))
        case list() | tuple():
            result.list_value.values.extend(_to_value(item) for item in value)
        case _:
            raise TypeError(f"a property of type {type(value).__name__} cannot be sent to the engine")
    return result


def has_unknown(value: Any) -> bool:
    """Whether an unknown hides anywhere in the value."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(has_unknown(item) for item in value)
    return False
