"""The Pulumi engine, through its Automation API: the same ``pulumi`` commands that a person types."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulumi import automation
from pulumi.automation import events

from scripts.lib.errors import DrError
from scripts.lib.exit_codes import ExitCode
from scripts.lib.project import Project
from scripts.lib.sites import Site

_SAME = frozenset({"same", "read", "refresh"})
_MISSING = re.compile(r"missing configuration value '([^']+)'")
_ANSI = re.compile(r"\x1b\[[0-9;]*m|<\{%[^%]*%\}>")


@dataclass(frozen=True)
class Progress:
    """How far an update is: resources done, and what the engine works on now."""

    done: int
    current: str


@dataclass(frozen=True)
class UpResult:
    """What one ``pulumi up`` did: resources by operation (create, update, replace, delete, same)."""

    changes: dict[str, int]

    @property
    def unchanged(self) -> bool:
        """Whether nothing but ``same`` happened."""
        return all(operation in _SAME for operation, count in self.changes.items() if count)

    def __str__(self) -> str:
        parts = [f"{count} {_WORDS.get(op, op)}" for op, count in sorted(self.changes.items()) if count]
        return ", ".join(parts) or "nothing to do"


_WORDS = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced", "same": "unchanged"}


@dataclass
class _Watcher:
    """Collects the engine's events of one update."""

    tell: Callable[[Progress], None]
    errors: list[str] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)
    done: int = 0

    def __call__(self, event: events.EngineEvent) -> None:
        if event.diagnostic_event and event.diagnostic_event.severity == "error":
            message = _ANSI.sub("", event.diagnostic_event.message).strip()
            if message:
                self.errors.append(_located(event.diagnostic_event.urn, message))
        if event.resource_pre_event and event.resource_pre_event.metadata.op not in _SAME:
            self.tell(Progress(self.done, _short(event.resource_pre_event.metadata.urn)))
        if event.res_outputs_event:
            self.done += 1
            self.tell(Progress(self.done, _short(event.res_outputs_event.metadata.urn)))
        if event.summary_event:
            self.changes = Counter({str(op): count for op, count in event.summary_event.resource_changes.items()})


class Engine:
    """The two stacks of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._stacks: dict[Site, automation.Stack] = {}

    def up(self, site: Site, tell: Callable[[Progress], None]) -> UpResult:
        """``pulumi up -s <site>``. Raises DrError with the engine's own errors, one a line."""
        watcher = _Watcher(tell)
        stack = self._stack(site)
        try:
            stack.up(on_event=watcher, color="never", suppress_progress=True, show_secrets=False)
        except automation.ConcurrentUpdateError as error:
            raise _locked(site, str(error)) from None
        except automation.CommandError as error:
            raise _failed(site, watcher.errors, str(error)) from None
        return UpResult(dict(watcher.changes))

    def outputs(self, site: Site) -> dict[str, Any] | None:
        """The stack's outputs, secrets masked; None when it does not exist or has none yet."""
        return _outputs(self._project, site)

    def _stack(self, site: Site) -> automation.Stack:
        if site not in self._stacks:
            try:
                self._stacks[site] = automation.create_or_select_stack(
                    stack_name=site.value, work_dir=str(self._project.directory)
                )
            except automation.CommandError as error:
                raise _failed(site, [], str(error)) from None
            except (FileNotFoundError, automation.InvalidVersionError) as error:
                raise _no_engine(error) from None
        return self._stacks[site]


def _outputs(project: Project, site: Site) -> dict[str, Any] | None:
    """One ``pulumi stack output``: the Automation API would ask with the secrets shown."""
    try:
        command = automation.PulumiCommand()
        result = command.run(
            ["stack", "output", "--json", "--stack", site.value, "--non-interactive"], str(project.directory), {}
        )
    except automation.CommandError as error:
        if "no stack named" in str(error):
            return None
        raise _failed(site, [], str(error)) from None
    except (FileNotFoundError, automation.InvalidVersionError) as error:
        raise _no_engine(error) from None
    document = json.loads(result.stdout or "{}")
    return document or None


def _no_engine(error: Exception) -> DrError:
    found = shutil.which("pulumi")
    reason = f"{found} cannot be used ({error})" if found else "there is no `pulumi` on PATH"
    return DrError(
        f"{reason}: install Pulumi, or set up the shell's environment as the README says",
        exit_code=ExitCode.USAGE,
    )


def _locked(site: Site, text: str) -> DrError:
    holder = next((line.strip() for line in text.splitlines() if "created by" in line), "")
    by = f" ({holder})" if holder else ""
    return DrError(
        f"the state of {site} is locked by another update{by}: wait for it; if that process is dead, run "
        f"`pulumi cancel -s {site}` and repeat the command",
        exit_code=ExitCode.REFUSED,
    )


def _failed(site: Site, errors: list[str], text: str) -> DrError:
    if not errors:
        errors = [line.strip() for line in text.splitlines() if line.strip().startswith("error:")] or [text.strip()]
    missing = _MISSING.search(text)
    if missing:
        key = missing.group(1)
        return DrError(
            f"the configuration value {key} of {site} is missing: set it with `pulumi config set {key} -s {site}`, "
            "with --secret if Pulumi.yaml declares it secret",
            exit_code=ExitCode.USAGE,
        )
    lines = "\n".join(f"  {line}" for line in dict.fromkeys(errors))
    return DrError(f"`pulumi up -s {site}` failed:\n{lines}\nMend the cause and run the same command again.")


def _located(urn: str | None, message: str) -> str:
    return f"{_short(urn)}: {message}" if urn and "pulumi:pulumi:Stack" not in urn else message


def _short(urn: str | None) -> str:
    """``rds/instance database-1`` of a URN."""
    if not urn:
        return ""
    parts = urn.split("::")
    kind = parts[2].split("$")[-1].removeprefix("aws:").rpartition(":")[0] or parts[2]
    return f"{kind} {parts[-1]}"
