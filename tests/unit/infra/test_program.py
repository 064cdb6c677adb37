"""One run: what is read first, what is published, and in which order two sites come up."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from infra import outputs
from infra.errors import ProgramError
from tests.unit.infra.recording import ROOT, Cloud, EngineError, Run, run_stack


def test_two_sites_come_up_in_three_runs_and_a_fourth_changes_nothing(
    first_run: Run, primary: Run, secondary: Run, provisioned: dict[str, Any]
) -> None:
    first, third = first_run.by_identity(), primary.by_identity()
    assert first.keys() < third.keys(), "the peer adds, and takes nothing away"
    assert all(first[identity].inputs == third[identity].inputs for identity in first)
    assert secondary.outputs == provisioned["secondary"]
    again = run_stack("primary", provisioned)
    assert again.outputs == primary.outputs
    assert {key: each.inputs for key, each in again.by_identity().items()} == {
        key: each.inputs for key, each in third.items()
    }


def test_the_secondary_may_come_up_first() -> None:
    alone = run_stack("secondary")
    assert alone.outputs["peerSeen"] is False
    primary = run_stack("primary", {"secondary": alone.outputs})
    assert primary.database
    follower = run_stack("secondary", {"secondary": alone.outputs, "primary": primary.outputs})
    assert follower.database.inputs["replicateSourceDb"] == primary.outputs["database"]["arn"]


def test_a_stack_that_was_made_but_never_updated_counts_as_no_peer() -> None:
    run = run_stack("primary", {"secondary": {}, "primary": {}})
    assert run.outputs["peerSeen"] is False


def test_what_is_published_can_be_read_back(primary: Run, secondary: Run) -> None:
    for run in (primary, secondary):
        read = outputs.read(run.outputs, "a stack")
        assert read is not None
        assert read.database is not None
        assert (read.database.port, type(read.database.port)) == (5432, int)
        assert read.network.zones == tuple(run.outputs["network"]["zones"])
        assert read.buckets.backups == run.outputs["buckets"]["backups"]
    assert outputs.read({}, "a stack") is None


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"epoch": "two"}, "epoch should be int, not str"),
        ({"epoch": None}, "epoch is missing"),
        ({"role": "leader"}, "'leader' is not a valid Role"),
        ({"network": []}, "network"),
        ({"buckets": {"backups": "b"}}, "buckets.uploads is missing"),
    ],
)
def test_outputs_of_another_shape_are_refused_by_name(
    provisioned: dict[str, Any], damage: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ProgramError) as refused:
        outputs.read({**provisioned["primary"], **damage}, "primary")
    assert reason in str(refused.value)
    assert "pulumi up -s primary" in str(refused.value)


def test_outputs_with_more_than_is_known_can_be_read(provisioned: dict[str, Any]) -> None:
    assert outputs.read({**provisioned["primary"], "fromTheFuture": 1}, "primary") is not None


def test_an_unreadable_state_is_not_taken_for_an_absent_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(self: object, args: object) -> None:
        raise EngineError("could not open the bucket")

    monkeypatch.setattr(Cloud, "call", unreachable)
    with pytest.raises(ProgramError) as refused:
        run_stack("primary")
    assert "could not open the bucket" in str(refused.value)
    assert "Nothing was changed" in str(refused.value)


def test_a_peer_whose_network_is_not_the_configured_one_is_refused(provisioned: dict[str, Any]) -> None:
    with pytest.raises(ProgramError) as refused:
        run_stack("primary", provisioned, peerNetworkCidr="10.30.0.0/16")
    assert "peerNetworkCidr says 10.30.0.0/16, but the secondary site's network is 10.20.0.0/16" in str(refused.value)


def test_every_output_is_documented() -> None:
    chapter = (ROOT / "docs" / "architecture.md").read_text().partition("### Outputs\n")[2].partition("\n#")[0]
    rows = [line for line in chapter.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{path}` | {meaning} |" for path, meaning in outputs.documentation()]


def test_everything_exported_has_a_row(primary: Run, secondary: Run) -> None:
    def paths(value: dict[str, Any], prefix: str = "") -> set[str]:
        found: set[str] = set()
        for key, each in value.items():
            found |= paths(each, f"{prefix}{key}.") if isinstance(each, dict) else {f"{prefix}{key}"}
        return found

    documented = {path for path, _ in outputs.documentation()}
    exported = paths(primary.outputs) | paths(secondary.outputs)
    assert exported <= documented
    assert documented - exported == {"database"}, "the only row that is an object"


def test_the_program_does_not_stand_in_front_of_the_standard_library() -> None:
    """A Pulumi host puts infra/ itself on the path, which has a secrets.py and a site.py."""
    host = """
import runpy, sys, types
program = types.ModuleType("infra.program")
def run():
    import infra.secrets, secrets, site
    print(secrets.token_hex.__module__, hasattr(site, "getsitepackages"), hasattr(infra.secrets, "Secrets"))
program.run = run
sys.path.insert(0, sys.argv[1])
sys.modules["infra.program"] = program
runpy.run_path(sys.argv[1], run_name="__main__")
"""
    result = subprocess.run(
        [sys.executable, "-S", "-c", host, str(ROOT / "infra")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])},
    )
    assert result.stdout.split() == ["secrets", "True", "True"], result.stderr
