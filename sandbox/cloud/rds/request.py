"""The typed view of one request's parameters: past here there are no dictionaries of anything."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox.cloud.rds.errors import invalid_combination, invalid_value

Tags = tuple[tuple[str, str], ...]

_ONLY_VALUES = {
    "BackupTarget": "region",
    "DatabaseInsightsMode": "standard",
    "LicenseModel": "postgresql-license",
    "NetworkType": "IPV4",
    "SnapshotTarget": "region",
}


@dataclass(frozen=True)
class Request:
    """``values`` has the API's member names, with values as the API model types them."""

    action: str
    values: Mapping[str, object]

    def accept(self, names: Iterable[str]) -> Request:
        """Refuse whatever the sandbox would otherwise ignore in silence."""
        known = set(names)
        for name, value in self.values.items():
            if name not in known and value not in (None, False, "", [], {}):
                raise invalid_combination(f"The sandbox's RDS does not implement {name} of {self.action}.")
            if name in _ONLY_VALUES and value not in (None, _ONLY_VALUES[name]):
                raise invalid_combination(
                    f"The sandbox's RDS knows {name} {_ONLY_VALUES[name]} only; {self.action} asked for {value}."
                )
        return self

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return None if value is None else str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise invalid_value(f"The parameter {name} must be provided and must not be blank.")
        return value

    def identifier(self, name: str) -> str:
        """Identifiers are stored in lower case."""
        return self.required(name).lower()

    def integer(self, name: str) -> int | None:
        value = self.values.get(name)
        if value is None:
            return None
        try:
            return int(str(value))
        except ValueError as wrong:
            raise invalid_value(f"Invalid value {value} for parameter {name}: it must be a whole number.") from wrong

    def flag(self, name: str) -> bool | None:
        value = self.values.get(name)
        return None if value is None else str(value).lower() == "true"

    def time(self, name: str) -> datetime.datetime | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, datetime.datetime):
            try:
                value = datetime.datetime.fromisoformat(str(value))
            except ValueError as wrong:
                raise invalid_value(f"Invalid value {value} for parameter {name}: it must be a UTC time.") from wrong
        return value if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC)

    def names(self, name: str) -> tuple[str, ...] | None:
        value = self.values.get(name)
        return tuple(str(item) for item in value) if isinstance(value, list | tuple) else None

    def nested(self, name: str) -> Request | None:
        value = self.values.get(name)
        return Request(self.action, value) if isinstance(value, Mapping) else None

    def items(self, name: str) -> tuple[Request, ...]:
        value = self.values.get(name)
        if not isinstance(value, list | tuple):
            return ()
        return tuple(Request(self.action, item) for item in value if isinstance(item, Mapping))

    def tags(self, name: str = "Tags") -> Tags:
        return tuple((item.required("Key"), item.text("Value") or "") for item in self.items(name))

    def filters(self) -> dict[str, tuple[str, ...]]:
        return {item.required("Name"): item.names("Values") or () for item in self.items("Filters")}
