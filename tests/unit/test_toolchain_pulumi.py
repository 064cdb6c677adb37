"""Which Pulumi CLI is the engine."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.toolchain.program import Toolchain
from sandbox.toolchain.progress import PlainProgress, open_progress
from sandbox.toolchain.pulumi import PULUMI, VERSION, ensure_pulumi, is_suitable


class Silent:
    """A progress that remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def advance(self, activity: str, done: int, total: int) -> None:
        pass


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    def install(script: str) -> Path:
        directory = tmp_path / "bin"
        directory.mkdir()
        executable = directory / "pulumi"
        executable.write_text(f"#!/bin/sh\n{script}\n")
        executable.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}{os.pathsep}/usr/bin{os.pathsep}/bin")
        return executable

    return install


@pytest.fixture
def built(tmp_path: Path) -> Toolchain:
    """A cache in which the build has been done already."""
    toolchain = Toolchain(tmp_path / "toolchain")
    executable = toolchain.executable(PULUMI)
    executable.parent.mkdir(parents=True)
    executable.write_text("#!/bin/sh\n")
    return toolchain


@pytest.mark.parametrize("version", [VERSION, "v3.274.0", "3.274.9", "v3.300.0", "v3.275.0-alpha.1"])
def test_the_pinned_or_a_newer_cli_is_suitable(version: str) -> None:
    assert is_suitable(version)


@pytest.mark.parametrize("version", ["v3.273.9", "v2.300.0", "v4.0.0", "", "unknown", "v3"])
def test_an_older_one_or_another_major_version_is_not(version: str) -> None:
    assert not is_suitable(version)


def test_a_suitable_cli_on_path_is_used_and_not_built(built: Toolchain, on_path: Callable[[str], Path]) -> None:
    executable = on_path(f"echo {VERSION}")
    assert ensure_pulumi(Silent(), built) == executable


def test_a_link_on_path_is_followed_to_where_its_language_hosts_are(
    built: Toolchain, on_path: Callable[[str], Path], tmp_path: Path
) -> None:
    link = on_path("")
    real = tmp_path / "real"
    real.write_text(f"#!/bin/sh\necho {VERSION}\n")
    real.chmod(0o755)
    link.unlink()
    link.symlink_to(real)
    assert ensure_pulumi(Silent(), built) == real


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo v3.100.0", "'v3.100.0'"),
        ("echo broken >&2; exit 3", "exit code 3 and says 'broken'"),
        ("exec sleep 60", "says nothing for 1 s"),
        ("echo something else", "'something else'"),
    ],
)
def test_an_unsuitable_cli_on_path_is_named_and_passed_over(
    built: Toolchain, on_path: Callable[[str], Path], script: str, said: str
) -> None:
    executable = on_path(script)
    progress = Silent()
    assert ensure_pulumi(progress, built, timeout=1.0) == built.executable(PULUMI)
    [sentence] = progress.said
    assert sentence.startswith(str(executable))
    assert said in sentence


def test_the_question_for_the_version_writes_nothing_to_the_home_of_the_user(
    built: Toolchain, on_path: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_OPTION_CWD", "/nonexistent")
    on_path(f'mkdir -p "$PULUMI_HOME" && echo {VERSION}$PULUMI_OPTION_CWD')
    ensure_pulumi(Silent(), built)
    assert not (tmp_path / "home").exists()


def test_a_log_gets_a_line_every_fifteen_seconds() -> None:
    now = 0.0
    stream = io.StringIO()
    progress = PlainProgress(stream, clock=lambda: now)
    for second in range(100):
        now = float(second)
        progress.advance("compiling packages of pulumi", second, 1732)
    assert stream.getvalue().splitlines() == [
        "compiling packages of pulumi: 15 of 1732 after 15 s",
        "compiling packages of pulumi: 30 of 1732 after 30 s",
        "compiling packages of pulumi: 45 of 1732 after 45 s",
        "compiling packages of pulumi: 60 of 1732 after 1 min 0 s",
        "compiling packages of pulumi: 75 of 1732 after 1 min 15 s",
        "compiling packages of pulumi: 90 of 1732 after 1 min 30 s",
    ]


def test_a_terminal_shows_nothing_until_there_is_something_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with open_progress(stream) as progress:
        assert stream.getvalue() == ""
        progress.say("Building pulumi once")
        progress.advance("compiling packages of pulumi", 3, 1732)
    assert "Building pulumi once\n" in stream.getvalue()
    assert "3/1732" in stream.getvalue()
