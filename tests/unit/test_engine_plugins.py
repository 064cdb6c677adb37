"""What is put into a PULUMI_HOME, and the environment of the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.engine.environment import UNSET, engine_environment
from sandbox.engine.plugins import install, write_plugin
from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths

PROBE = """
import os, sys
print(sys.executable, sys.argv[1:], os.environ.get("PYTHONDONTWRITEBYTECODE"))
import signal
assert not signal.__file__.startswith(os.getcwd())
"""


@pytest.fixture
def pulumi(tmp_path: Path) -> Path:
    executable = tmp_path / "cache" / "pulumi"
    executable.parent.mkdir()
    executable.write_text("#!/bin/sh\necho the engine\n")
    executable.chmod(0o755)
    return executable


def test_the_engine_finds_both_plugins_and_the_shell_finds_the_engine(tmp_path: Path, pulumi: Path) -> None:
    home = tmp_path / "home"
    install(home, pulumi)
    found = sorted(str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir())
    assert found == [
        "bin/pulumi",
        "plugins/language-python-v3.274.1/pulumi-language-python",
        "plugins/resource-aws-v7.51.1/pulumi-resource-aws",
    ]
    assert subprocess.check_output([home / "bin" / "pulumi"], text=True) == "the engine\n"


def test_an_installation_can_be_repeated_and_follows_a_new_engine(tmp_path: Path, pulumi: Path) -> None:
    home = tmp_path / "home"
    install(home, pulumi)
    plugin = home / "plugins" / "resource-aws-v7.51.1" / "pulumi-resource-aws"
    before = plugin.stat()
    other = tmp_path / "other"
    install(home, other)
    assert plugin.stat().st_ino == before.st_ino
    assert (home / "bin" / "pulumi").readlink() == other
    plugin.write_text("damaged")
    install(home, other)
    assert "sandbox.provider" in plugin.read_text()
    assert os.access(plugin, os.X_OK)


def test_a_plugin_runs_with_exactly_this_interpreter_and_keeps_byte_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "a home with spaces"
    modules = tmp_path / "it's modules"
    modules.mkdir()
    (modules / "probe.py").write_text(PROBE)
    program = tmp_path / "program"
    program.mkdir()
    (program / "signal.py").write_text("raise AssertionError\n")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    write_plugin(home, "probe", modules)
    plugin = home / "plugins" / "resource-aws-v7.51.1" / "pulumi-resource-aws"
    said = subprocess.check_output([plugin, "127.0.0.1:1", "$HOME"], cwd=program, text=True)
    assert said == f"{sys.executable} ['127.0.0.1:1', '$HOME'] None\n"


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path, pulumi: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match=r"cannot be installed below .*/file/home .*: make it writable"):
        install(tmp_path / "file" / "home", pulumi)


def test_the_sandboxs_engine_comes_first_on_the_path_and_once(tmp_path: Path) -> None:
    paths = SandboxPaths(tmp_path)
    once = engine_environment(paths, tmp_path / "passphrase", "/usr/bin:/bin")
    assert once["PATH"] == f"{paths.pulumi_home}/bin:/usr/bin:/bin"
    assert engine_environment(paths, tmp_path / "passphrase", once["PATH"]) == once


def test_the_environment_names_the_file_of_the_passphrase_and_no_secret(tmp_path: Path) -> None:
    paths = SandboxPaths(tmp_path)
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("tell-no-one")
    variables = engine_environment(paths, passphrase, "")
    assert variables["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(passphrase)
    assert "tell-no-one" not in str(variables)
    assert set(UNSET).isdisjoint(variables)
    assert variables["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state"
    assert variables["PULUMI_OPTION_CWD"] == str(paths.workspace)
