"""Reads raw configuration values and collects every problem, so that one run tells all of them."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from infra.address_plan import LONGEST_PREFIX, SHORTEST_PREFIX
from infra.sites import Site

_PLACEHOLDER_NETWORK = ipaddress.IPv4Network("10.0.0.0/16")
PASSWORD = re.compile(r"[\x21-\x7e]{12,128}")
FORBIDDEN_IN_PASSWORDS = "/@\"'"
"""What RDS refuses in a master password (Amazon RDS API reference, CreateDBInstance), and the single quote."""


@dataclass(frozen=True)
class SecretText:
    """A text that shows itself nowhere and reaches a resource only as a secret output, encrypted in the state."""

    _value: str = field(repr=False)

    def output(self) -> pulumi.Output[str]:
        return pulumi.Output.secret(self._value)


class ConfigReader:
    """A value that is not sound is reported and replaced by a harmless one; the caller raises when it has read all."""

    def __init__(self, project: str, stack: str, config: Mapping[str, str], keys: Sequence[str]) -> None:
        self._project = project
        self._stack = stack
        prefix = f"{project}:"
        self._values = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
        self.problems: dict[str, str] = {}
        for key in self._values:
            if key not in keys:
                self._refuse_unknown(key, keys)

    def refuse(self, key: str, reason: str) -> None:
        self.problems.setdefault(key, reason)

    def is_sound(self, *keys: str) -> bool:
        return not any(key in self.problems for key in keys)

    def report(self) -> str:
        """One sentence for one problem; a list of sentences for several."""
        sentences = [f"{key}: {reason}" for key, reason in self.problems.items()]
        if len(sentences) == 1:
            return f"Stack {self._stack!r} is configured wrongly. {sentences[0]}."
        lines = "".join(f"\n  - {sentence}." for sentence in sentences)
        return f"Stack {self._stack!r} is configured wrongly in {len(sentences)} places:{lines}"

    def site(self) -> Site:
        try:
            return Site(self._stack)
        except ValueError:
            self.refuse(
                "stack",
                f"there is no site {self._stack!r}: a stack is named after its site, {' or '.join(Site)}; "
                "select one with `pulumi stack select`",
            )
            return Site.PRIMARY

    def text(self, key: str, *, pattern: str | None = None, expected: str = "") -> str:
        value = self._value(key)
        if value and pattern and not re.fullmatch(pattern, value):
            self.refuse(key, f"{value!r} is not {expected}")
        return value

    def choice(self, key: str, choices: Sequence[str]) -> str:
        value = self._value(key)
        if value and value not in choices:
            self.refuse(key, f"{value!r} is not {' or '.join(choices)}")
        return value if value in choices else choices[0]

    def whole(self, key: str, *, least: int, most: int | None = None) -> int:
        value = self._value(key)
        if not value:
            return least
        wanted = f"a whole number of {least} or more" if most is None else f"a whole number from {least} to {most}"
        if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < least or (most is not None and int(value) > most):
            self.refuse(key, f"{value!r} is not {wanted}")
            return least
        return int(value)

    def one_of(self, key: str, numbers: Sequence[int]) -> int:
        value = self._value(key)
        if value and value not in map(str, numbers):
            self.refuse(key, f"{value!r} is not one of {', '.join(map(str, numbers))}")
            return numbers[0]
        return int(value or numbers[0])

    def flag(self, key: str) -> bool:
        return self.choice(key, ("false", "true")) == "true"

    def network(self, key: str) -> ipaddress.IPv4Network:
        value = self._value(key)
        if not value:
            return _PLACEHOLDER_NETWORK
        try:
            network = ipaddress.IPv4Network(value)
        except ValueError as error:
            self.refuse(key, f"{value!r} is not an IPv4 range such as 10.10.0.0/16 ({error})")
            return _PLACEHOLDER_NETWORK
        if network.prefixlen > LONGEST_PREFIX:
            self.refuse(key, f"{network} is too small for the subnets: it must be /{LONGEST_PREFIX} or larger")
        elif network.prefixlen < SHORTEST_PREFIX:
            self.refuse(key, f"{network} is larger than a VPC may be: it must be /{SHORTEST_PREFIX} or smaller")
        elif not network.is_private:
            self.refuse(
                key, f"{network} is not a private range: take one inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
            )
        return network

    def password(self, key: str) -> SecretText:
        """No message contains the value."""
        value = self._value(key, how_to=f"set it with `pulumi config set --secret {key} -s {self._stack}`")
        if value and (not PASSWORD.fullmatch(value) or any(character in value for character in FORBIDDEN_IN_PASSWORDS)):
            self.refuse(key, "it is not 12 to 128 printable ASCII characters without space, slash, @ and quotes")
        return SecretText(value)

    def _value(self, key: str, how_to: str = "") -> str:
        value = self._values.get(key, "").strip()
        if not value:
            self.refuse(
                key, f"it is missing: {how_to or f'set it with `pulumi config set {key} <value> -s {self._stack}`'}"
            )
        return value

    def _refuse_unknown(self, key: str, keys: Sequence[str]) -> None:
        near = difflib.get_close_matches(key, keys, n=1)
        hint = f"did you mean {near[0]}? If not, " if near else ""
        self.refuse(
            key,
            f"there is no such key ({hint}remove it with `pulumi config rm {key} -s {self._stack}`; "
            "Pulumi.yaml describes every key)",
        )
