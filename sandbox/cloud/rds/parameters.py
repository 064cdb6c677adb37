"""DB parameter groups of the family postgres17: what may be set to what, and what of it reaches the server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sandbox.cloud.rds.errors import invalid_combination, invalid_value
from sandbox.postgres.settings import SANDBOX_PARAMETERS

IMMEDIATE = "immediate"
PENDING_REBOOT = "pending-reboot"
FORCE_SSL = "rds.force_ssl"
_CHANGES_AT_ONCE = 20
"""Parameters in one ModifyDBParameterGroup (API reference)."""

# RDS keeps these to itself.
_NOT_MODIFIABLE = re.compile(
    r"(allow_alter_system|archive_.*|basic_archive\..*|backtrace_functions|bonjour.*|cluster_name|config_file"
    r"|data_.*|dynamic_library_path|event_.*|external_pid_file|fsync|full_page_writes|hba_file|hot_standby"
    r"|ident_file|listen_addresses|local_preload_libraries|log_(destination|directory|file_mode|line_prefix)"
    r"|logging_collector|port|primary_.*|promote_.*|recovery_.*|restore_command|server_.*|ssl|ssl_(ca|cert|crl|dh|key"
    r"|passphrase|library).*|superuser_reserved_connections|synchronous_standby_names|syslog_.*|unix_socket_.*"
    r"|wal_level|wal_log_hints|zero_damaged_pages)"
)
# RDS's own: of these only rds.force_ssl does anything here; the others are kept and reported.
_RDS: Mapping[str, tuple[str, str]] = {
    FORCE_SSL: ("dynamic", "0,1"),
    "rds.adaptive_autovacuum": ("dynamic", "0,1"),
    "rds.force_autovacuum_logging_level": ("dynamic", ""),
    "rds.log_retention_period": ("dynamic", "1440-10080"),
    "rds.logical_replication": ("static", "0,1"),
    "rds.rds_superuser_reserved_connections": ("static", "0-8388607"),
    "rds.restrict_password_commands": ("static", "0,1"),
}
_DEFAULTS: Mapping[str, str] = {FORCE_SSL: "1"}
"""Where RDS for PostgreSQL 15 and later has a value of its own (user guide, "Requiring an SSL connection")."""

# Libraries that RDS knows; the sandbox's build of PostgreSQL has the first two.
_SHIPPED_LIBRARIES = ("pg_stat_statements", "auto_explain")
_KNOWN_LIBRARIES = (*_SHIPPED_LIBRARIES, "orafce", "pgaudit", "pg_bigm", "pg_cron", "pg_hint_plan", "pg_prewarm",
                    "pg_similarity", "pg_tle", "pg_transport", "plprofiler", "pg_partman_bgw")  # fmt: skip
_FORMULA = re.compile(r"[{(]")


@dataclass(frozen=True)
class Definition:
    """One parameter of the family."""

    name: str
    apply_type: str
    data_type: str
    allowed: str
    modifiable: bool
    description: str
    default: str | None = None

    def check(self, value: str) -> None:
        """Raise InvalidParameterValue in the service's words."""
        if not self.modifiable:
            raise invalid_value(f"The parameter {self.name} cannot be modified.")
        if not self._allows(value):
            raise invalid_value(f"Invalid parameter value: {value} for: {self.name} allowed values are: {self.allowed}")

    def _allows(self, value: str) -> bool:
        if self.name == "shared_preload_libraries":
            return all(part in _KNOWN_LIBRARIES for part in _parts(value))
        if self.data_type in {"integer", "float"}:
            return bool(_FORMULA.search(value)) or self._in_range(value)
        return not self.allowed or value in self.allowed.split(",")

    def _in_range(self, value: str) -> bool:
        try:
            number = int(value) if self.data_type == "integer" else float(value)
        except ValueError:
            return False
        lowest, _, highest = self.allowed[1:].partition("-")
        return float(self.allowed[0] + lowest) <= number <= float(highest) if highest else True


@dataclass(frozen=True)
class Change:
    """One element of ModifyDBParameterGroup or ResetDBParameterGroup; a value of None is back to the default."""

    name: str
    value: str | None
    immediate: bool


@cache
def definitions() -> Mapping[str, Definition]:
    """All parameters of the family by name; the server's own list is shipped (parameters-17.json)."""
    text = resources.files("sandbox.cloud.rds").joinpath("parameters-17.json").read_text(encoding="utf-8")
    server: Mapping[str, Mapping[str, str | list[str]]] = json.loads(text)["parameters"]
    found = {name: _definition(name, entry) for name, entry in server.items() if entry["context"] != "internal"}
    for name, (apply_type, allowed) in _RDS.items():
        kind = "boolean" if allowed == "0,1" else "integer" if "-" in allowed else "string"
        found[name] = Definition(name, apply_type, kind, allowed, True, "Of RDS itself", _DEFAULTS.get(name))
    return found


def check(changes: Iterable[Change]) -> None:
    """Refuse what the service refuses; nothing is changed then."""
    listed = list(changes)
    if len(listed) > _CHANGES_AT_ONCE:
        raise invalid_value(f"Cannot modify more than {_CHANGES_AT_ONCE} parameters in one call.")
    for change in listed:
        definition = definitions().get(change.name)
        if definition is None:
            raise invalid_value(f"Could not find parameter with name: {change.name}")
        if change.value is not None:
            definition.check(change.value)
        if change.immediate and definition.apply_type == "static":
            raise invalid_combination("cannot use immediate apply method for static parameter")


def describe(values: Mapping[str, Mapping[str, str]], source: str | None) -> list[dict[str, object]]:
    """A group's parameters as the API shows them; ``source`` is ``user``, ``engine-default`` or None for all."""
    shown = []
    for name, definition in sorted(definitions().items()):
        set_by_user = values.get(name)
        origin = "engine-default" if set_by_user is None else "user"
        if definition.default is not None and set_by_user is None:
            origin = "system"
        if source is not None and source != origin:
            continue
        entry: dict[str, object] = {
            "ParameterName": name,
            "Description": definition.description,
            "Source": origin,
            "ApplyType": definition.apply_type,
            "DataType": definition.data_type,
            "IsModifiable": definition.modifiable,
            "ApplyMethod": PENDING_REBOOT if set_by_user is None else set_by_user["ApplyMethod"],
        }
        if definition.allowed:
            entry["AllowedValues"] = definition.allowed
        value = definition.default if set_by_user is None else set_by_user["ParameterValue"]
        if value is not None:
            entry["ParameterValue"] = value
        shown.append(entry)
    return shown


def server_parameters(values: Mapping[str, str]) -> dict[str, str]:
    """What of a group's values goes into the server's configuration."""
    result = {}
    for name, value in values.items():
        if name in SANDBOX_PARAMETERS or name in _RDS or _FORMULA.search(value):
            continue
        result[name] = value
        if name == "shared_preload_libraries":
            result[name] = ",".join(part for part in _parts(value) if part in _SHIPPED_LIBRARIES)
    return result


def requires_tls(values: Mapping[str, str]) -> bool:
    return values.get(FORCE_SSL, _DEFAULTS[FORCE_SSL]) == "1"


def _definition(name: str, entry: Mapping[str, str | list[str]]) -> Definition:
    kind = {"bool": "boolean", "integer": "integer", "real": "float"}.get(str(entry["type"]), "string")
    if kind == "boolean":
        allowed = "0,1"
    elif kind in {"integer", "float"}:
        allowed = f"{entry['minimum']}-{entry['maximum']}"
    else:
        allowed = ",".join(entry.get("values", []))
    return Definition(
        name=name,
        apply_type="static" if entry["context"] == "postmaster" else "dynamic",
        data_type=kind,
        allowed=allowed,
        modifiable=_NOT_MODIFIABLE.fullmatch(name) is None,
        description=str(entry["description"]),
    )


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
