"""Parts of the language host that need no engine."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.engine.language_host import packages


def describe(directory: Path, module: str, **described: object) -> None:
    (directory / module).mkdir(parents=True)
    (directory / module / "pulumi-plugin.json").write_text(json.dumps(described))


def test_the_provider_of_this_project_is_required_in_its_version() -> None:
    assert packages.RequiredPlugin("aws", "v7.51.1") in packages.required_plugins()


def test_every_installed_package_with_a_plugin_is_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path, "pulumi_one", resource=True, version="1.2.3", server="https://example.org")
    describe(tmp_path, "two", resource=True, name="second", version="v2.0.0")
    describe(tmp_path, "pulumi_no_plugin", resource=False)
    describe(
        tmp_path,
        "pulumi_made",
        resource=True,
        name="base",
        version="3.0.0",
        parameterization={"name": "made", "version": "0.1.0", "value": base64.b64encode(b"\x00\x01").decode()},
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert set(packages.required_plugins()) == {
        packages.RequiredPlugin("one", "v1.2.3", "https://example.org"),
        packages.RequiredPlugin("second", "v2.0.0"),
        packages.RequiredPlugin("base", "v3.0.0", "", packages.Parameterization("made", "0.1.0", b"\x00\x01")),
    }


def test_what_only_others_need_is_listed_on_request() -> None:
    everything = dict(packages.dependencies(transitive=True))
    direct = dict(packages.dependencies(transitive=False))
    assert everything["pulumi"] == "3.272.0"  # pulumi-aws needs it
    assert "pulumi" not in direct
    assert direct.items() < everything.items()


def test_the_host_does_not_pay_for_the_sdk() -> None:
    code = (
        "import sys, sandbox.engine.language_host.servicer\n"
        "print([name for name in ('pulumi.output', 'pulumi.runtime.stack') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
