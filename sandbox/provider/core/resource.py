"""What a resource class is: the AWS calls of one type. Everything else about a type is data in its facts."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import Aws, code_of
from sandbox.provider.core.facts import Facts, all_facts
from sandbox.provider.core.values import Properties

POLL_SECONDS = 0.15
"""First pause between two looks at a resource that is being made; it doubles up to ``POLL_MAX_SECONDS``."""
POLL_MAX_SECONDS = 1.0


class ResourceError(Exception):
    """One sentence for the user of the engine; no traceback goes with it."""


class Cancelled(ResourceError):  # noqa: N818 - what happened, not what went wrong
    """The engine was asked to stop (Ctrl-C)."""


class Call:
    """One operation of the engine on one resource: where it acts, until when, and how it speaks to the user."""

    def __init__(
        self,
        aws: Aws,
        *,
        urn: str,
        region: str,
        timeout: float,
        cancelled: threading.Event,
        say: Callable[[str], None],
    ) -> None:
        self.aws = aws
        self.urn = urn
        self.region = region
        self.deadline = time.monotonic() + timeout
        self.made_id: str | None = None
        self._timeout = timeout
        self._cancelled = cancelled
        self._say = say

    def made(self, resource_id: str) -> None:
        """The thing exists from here on: a later failure of this create leaves it in the state, to be repaired."""
        self.made_id = resource_id

    def wait(self, what: str, look: Callable[[], tuple[bool, str]]) -> None:
        """Look again and again until ``look`` says done; its text (a status) is shown to the user.

        Raises ResourceError when the operation's time-out (seconds; customTimeouts, or the type's own) is over and
        Cancelled when the engine is told to stop.
        """
        pause = POLL_SECONDS
        shown = ""
        started = time.monotonic()
        while True:
            done, status = look()
            if done:
                return
            if status != shown and time.monotonic() - started > 1.0:
                self._say(f"waiting for {what}: {status}")
                shown = status
            if time.monotonic() + pause > self.deadline:
                raise ResourceError(
                    f"timeout while waiting for {what} (last status: {status}, timeout: {self._timeout:g}s)"
                )
            if self._cancelled.wait(pause):
                raise Cancelled(f"cancelled while waiting for {what} (last status: {status})")
            pause = min(pause * 1.5, POLL_MAX_SECONDS)

    def retry_on(
        self, codes: Iterable[str], act: Callable[[], Any], *, seconds: float = 120.0, message: str = ""
    ) -> Any:
        """Call again while AWS answers with one of ``codes`` (and ``message``): it is eventually consistent."""
        wanted = frozenset(codes)
        until = min(self.deadline, time.monotonic() + seconds)
        pause = POLL_SECONDS
        while True:
            try:
                return act()
            except ClientError as error:
                if code_of(error) not in wanted or message not in str(error) or time.monotonic() + pause > until:
                    raise
            if self._cancelled.wait(pause):
                raise Cancelled("cancelled while retrying")
            pause = min(pause * 2, POLL_MAX_SECONDS)


class Resource(ABC):
    """One resource type. An instance lives for one call; class attributes are the type's behaviour.

    ``create`` makes the thing, calls ``self.call.made(id)`` as soon as it exists, and returns its id. ``read`` returns
    everything AWS says (or None when it is gone); the core adds what AWS does not return from the inputs.
    ``update`` is given which inputs differ. Values given to these three hold no unknowns.
    """

    token: ClassVar[str]
    service: ClassVar[str]
    """boto3's name of the service."""

    defaults: ClassVar[Mapping[str, Any]] = {}
    """Inputs that the genuine provider fills in when the program leaves them out."""
    also_computed: ClassVar[frozenset[str]] = frozenset()
    """Optional inputs that the service fills in, beyond those that the facts list."""
    unordered: ClassVar[frozenset[str]] = frozenset()
    """Paths whose lists are sets: order is no difference."""
    json_documents: ClassVar[frozenset[str]] = frozenset()
    """Inputs that hold a JSON text: compared by meaning (policies)."""
    write_only: ClassVar[frozenset[str]] = frozenset()
    """Inputs that AWS never returns (passwords, flags read at delete): kept in the state as they were given."""
    state_only: ClassVar[frozenset[str]] = frozenset()
    """Those of them of which a change makes no AWS call: they are read from the state at delete."""
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Properties that the engine must encrypt even where no program said so (an import)."""
    owned: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose nested values are all the program's: one that AWS has and the program never set is drift, too."""
    made_name_prefix: ClassVar[str] = ""
    """What a made name begins with (``alias/``)."""
    conflicts: ClassVar[tuple[frozenset[str], ...]] = ()
    """Groups of inputs of which a program may set only one."""
    timeouts: ClassVar[Mapping[str, float]] = {}
    """Seconds for create, update and delete where they are not the default of ten minutes."""
    updatable: ClassVar[bool] = True
    """False for types of which every change is a replacement."""

    def __init__(self, call: Call) -> None:
        self.call = call

    @classmethod
    def facts(cls) -> Facts:
        """The type's data."""
        return all_facts()[cls.token]

    @classmethod
    def computed(cls) -> frozenset[str]:
        """Inputs and outputs that AWS fills in."""
        return cls.facts().computed | cls.also_computed

    @classmethod
    def check(cls, inputs: Properties) -> list[tuple[str, str]]:
        """Refusals (property, reason) beyond unknown, missing and conflicting properties. Inputs may hold unknowns."""
        del inputs
        return []

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        """Whether two different-looking values mean the same; None leaves it to the general rules."""
        del path, old, new
        return None

    @classmethod
    def replaces(cls, path: str, old: Properties, new: Properties) -> bool | None:
        """Replacement that depends on the values ("only when ..."); None leaves it to the facts."""
        del path, old, new
        return None

    @classmethod
    def unknown_after(cls, changed: frozenset[str]) -> frozenset[str]:
        """Outputs that an update in place of these inputs will change: unknown in a preview."""
        del changed
        return frozenset()

    @property
    def client(self) -> Any:
        """The type's service in the resource's region."""
        return self.call.aws.client(self.service, self.call.region)

    @abstractmethod
    def create(self, inputs: Properties) -> str:
        """Make it, say ``self.call.made(id)``, finish it, return the id."""

    @abstractmethod
    def read(self, resource_id: str, state: Properties) -> Properties | None:
        """Everything AWS says of it; None when it does not exist."""

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        """Change it in place. ``old`` is the state, ``new`` the inputs, ``changed`` the inputs that differ."""
        raise NotImplementedError(f"{self.token} has no update in place ({resource_id}: {sorted(changed)})")

    @abstractmethod
    def delete(self, resource_id: str, state: Properties) -> None:
        """Delete it; one that is gone already is success."""


def tag_list(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    """AWS's most common form of tags."""
    return [{"Key": key, "Value": value} for key, value in sorted((tags or {}).items())]


def tag_map(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags as the program writes them, without those that AWS itself sets."""
    return {tag["Key"]: tag["Value"] for tag in tags or () if not tag["Key"].startswith("aws:")}


def tag_changes(old: Mapping[str, str] | None, new: Mapping[str, str] | None) -> tuple[list[str], dict[str, str]]:
    """Keys to remove, and tags to set."""
    before, after = old or {}, new or {}
    return sorted(set(before) - set(after)), {k: v for k, v in after.items() if before.get(k) != v}


def retag(
    old: Properties, new: Properties, remove: Callable[[list[str]], Any], add: Callable[[dict[str, str]], Any]
) -> None:
    """Bring the tags from the state's to the program's by the service's own two calls, each only if it is needed."""
    removed, added = tag_changes(old.get("tags"), new.get("tags"))
    if removed:
        remove(removed)
    if added:
        add(added)


def canonical_json(text: str) -> str:
    """One text for all JSON texts of the same meaning; a one-element list equals its element, as in IAM policies."""

    def fold(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fold(item) for key, item in value.items()}
        if isinstance(value, list):
            items = sorted((fold(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
            return items[0] if len(items) == 1 else items
        return value

    try:
        return json.dumps(fold(json.loads(text)), sort_keys=True)
    except ValueError:
        return text
