"""What the resource classes of EC2 share: tags, looking one thing up, ARNs, refusals of address ranges."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, ResourceError, retag, tag_list, tag_map
from sandbox.provider.core.values import Properties, Unknown, has_unknown
from sandbox.provider.services.refusals import Failure, unsupported

MINUTE: Final = 60.0
"""Seconds; the time-outs of the genuine provider are whole minutes."""
FOREVER: Final = math.inf
"""Seconds for ``retry_on``: until the operation's own time-out."""


class Ec2Resource(Resource):
    """A type of EC2. ``missing`` are the error codes that say that it does not exist."""

    service = "ec2"
    missing: ClassVar[frozenset[str]]
    tag_type: ClassVar[str] = ""
    """EC2's name of the type in tag specifications; empty for a type without tags."""
    refused: ClassVar[frozenset[str]] = frozenset()
    """Inputs of the genuine provider that have no implementation here."""

    @classmethod
    def computed(cls) -> frozenset[str]:
        return super().computed() | ({"tagsAll"} if cls.tag_type else frozenset())

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        # false and empty are what leaving them out means, so they may be written down
        return unsupported({key: value for key, value in inputs.items() if _is_set(value)}, cls.refused)

    @classmethod
    def unknown_after(cls, changed: frozenset[str]) -> frozenset[str]:
        return frozenset({"tagsAll"}) if "tags" in changed else frozenset()

    def tag_specifications(self, inputs: Properties) -> dict[str, Any]:
        """The argument of a create call that tags the new thing in the same call."""
        tags = inputs.get("tags")
        return {"TagSpecifications": [{"ResourceType": self.tag_type, "Tags": tag_list(tags)}]} if tags else {}

    def retag(self, resource_id: str, old: Properties, new: Properties) -> None:
        """Bring the tags from the state to the program's."""
        retag(
            old,
            new,
            lambda removed: self.client.delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in removed]),
            lambda added: self.client.create_tags(Resources=[resource_id], Tags=tag_list(added)),
        )

    def one(self, operation: str, key: str, **request: Any) -> dict[str, Any] | None:
        """The only element of a describe call's answer; None when it does not exist."""
        try:
            found = getattr(self.client, operation)(**request)[key]
        except ClientError as error:
            if code_of(error) in self.missing:
                return None
            raise
        return dict(found[0]) if found else None

    def tolerate(self, act: Callable[[], Any], codes: Iterable[str] = ()) -> Any:
        """Call, and take "does not exist" (and these codes) for success."""
        try:
            return act()
        except ClientError as error:
            if code_of(error) not in self.missing | set(codes):
                raise
            return None

    def delete_when_free(
        self, act: Callable[[], Any], *, busy: Iterable[str] = ("DependencyViolation",), gone: Iterable[str] = ()
    ) -> None:
        """Delete, again and again while something still hangs on it, until the operation's time-out."""
        self.tolerate(lambda: self.call.retry_on(busy, act, seconds=FOREVER), gone)

    def await_state(self, what: str, look: Callable[[], tuple[str, str]], wanted: str, failed: str = "failed") -> None:
        """Wait until ``look`` (state, reason) says ``wanted``. Raises ResourceError with the reason when it failed."""

        def done() -> tuple[bool, str]:
            state, reason = look()
            if state == failed:
                raise ResourceError(f"{what} is {state}" + (f": {reason}" if reason else ""))
            return state == wanted, state

        self.call.wait(f"{what} to become {wanted}", done)

    def arn(self, kind: str, resource_id: str, owner: str | None = None) -> str:
        """The ARN of a resource of EC2 in this region (Service Authorization Reference, "Amazon EC2")."""
        account = owner or self.call.aws.account
        return f"arn:{self.client.meta.partition}:ec2:{self.call.region}:{account}:{kind}/{resource_id}"


def tags_of(found: Mapping[str, Any]) -> Properties:
    """The outputs ``tags`` and ``tagsAll``, equal because this provider has no default tags."""
    tags = tag_map(found.get("Tags"))
    return {"tags": tags, "tagsAll": tags}


def exactly_one(inputs: Properties, names: Iterable[str]) -> list[Failure]:
    """A refusal unless one of these inputs is set, and only one."""
    wanted = sorted(names)
    given = [name for name in wanted if _is_set(inputs.get(name))]
    if len(given) == 1:
        return []
    listed = ", ".join(wanted)
    if not given:
        return [(wanted[0], f"one of {listed} must be specified")]
    return [(given[1], f"only one of {listed} can be specified, but {', '.join(given)} were specified")]


def address_range(inputs: Properties, name: str) -> list[Failure]:
    """A refusal of text that is no network, or that has host bits set: AWS would store another one than was written."""
    value = inputs.get(name)
    if not _is_set(value) or has_unknown(value):
        return []
    try:
        network = ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return [(name, f'"{name}" ({value}) is not a valid CIDR block: write it like 10.0.0.0/16')]
    if ipaddress.ip_network(str(value).partition("/")[0]).network_address != network.network_address:
        return [(name, f'"{name}" ({value}) is not a network address; did you mean "{network}"?')]
    return []


def same_network(old: Any, new: Any) -> bool | None:
    """Whether two texts write the same network; None when one of them is none."""
    try:
        return ipaddress.ip_network(str(old)) == ipaddress.ip_network(str(new))
    except ValueError:
        return None


def _is_set(value: Any) -> bool:
    return isinstance(value, Unknown) or value not in (None, False, 0, "", [], {})
