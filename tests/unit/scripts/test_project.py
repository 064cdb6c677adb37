"""Where the verbs look for the project, and what they say when it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.lib.errors import DrError
from scripts.lib.exit_codes import ExitCode
from scripts.lib.project import Project, find_project
from scripts.lib.sites import Site


def _project(directory: Path) -> Path:
    (directory / "Pulumi.yaml").write_text("name: some-project\n", encoding="utf-8")
    (directory / "Pulumi.primary.yaml").write_text("config:\n  aws:region: us-east-1\n", encoding="utf-8")
    return directory


def test_the_nearest_project_upwards_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = _project(tmp_path) / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.delenv("DR_PROJECT", raising=False)
    monkeypatch.chdir(below)
    assert find_project().directory == tmp_path


def test_the_environment_wins_over_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(_project(tmp_path))
    monkeypatch.setenv("DR_PROJECT", str(_project(other)))
    assert find_project().directory == other


def test_no_project_is_one_sentence_and_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_PROJECT", str(tmp_path))
    with pytest.raises(DrError, match="DR_PROJECT") as caught:
        find_project()
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("text", ["config: {}\n", "", "config: [1]\n", "config:\n  aws:region: ''\n", ": : :\n"])
def test_a_stack_file_without_a_region_is_named(tmp_path: Path, text: str) -> None:
    _project(tmp_path)
    (tmp_path / "Pulumi.secondary.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DrError, match=r"Pulumi\.secondary\.yaml"):
        Project(tmp_path, "some-project").region(Site.SECONDARY)


def test_the_region_is_the_stack_files_own(tmp_path: Path) -> None:
    assert Project(_project(tmp_path), "some-project").region(Site.PRIMARY) == "us-east-1"
