"""Bad input ends in one sentence and a documented exit code; no traceback reaches a user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.lib.exit_codes import ExitCode

DR = Path(sys.executable).with_name("dr")


def _dr(*arguments: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_", "DR_"))}
    return subprocess.run(
        [str(DR), *arguments],
        cwd=directory,
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("arguments", [("unknown",), ("provision", "--no-such"), ("sandbox", "up", "--port", "99999")])
def test_a_wrong_command_line_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = _dr(*arguments, directory=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("verb", ["provision", "check", "status"])
def test_a_verb_outside_of_a_project_says_where_to_go(tmp_path: Path, verb: str) -> None:
    done = _dr(verb, directory=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "Pulumi.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_verb_without_an_engine_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n", encoding="utf-8")
    for site, region in (("primary", "us-east-1"), ("secondary", "us-west-2")):
        (tmp_path / f"Pulumi.{site}.yaml").write_text(f"config:\n  aws:region: {region}\n", encoding="utf-8")
    done = _dr("status", directory=tmp_path, PATH=str(tmp_path), HOME=str(tmp_path))
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert "no `pulumi` on PATH" in done.stderr
    assert "Traceback" not in done.stderr


def test_provision_asks_before_it_acts_and_does_nothing_without_an_answer(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n", encoding="utf-8")
    for site, region in (("primary", "us-east-1"), ("secondary", "us-west-2")):
        (tmp_path / f"Pulumi.{site}.yaml").write_text(f"config:\n  aws:region: {region}\n", encoding="utf-8")
    done = _dr(
        "provision",
        directory=tmp_path,
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="x",
    )
    assert done.returncode == ExitCode.FAILED  # nobody answers there: the account cannot be named, so nothing is asked
    assert "us-east-1" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_verb_has_a_help_text(tmp_path: Path) -> None:
    done = _dr("--help", directory=tmp_path)
    assert done.returncode == ExitCode.DONE
    for verb in ("provision", "check", "status", "sandbox"):
        assert verb in done.stdout
