"""A program is built once, whole or not at all, and every way to fail is one sentence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.toolchain.builder import build_once
from sandbox.toolchain.program import GoProgram, Toolchain

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="builds a tiny module with the real Go")
DEADLINE = 60.0


@dataclass
class Recorded:
    """A progress that remembers, and that may interrupt as Ctrl-C would."""

    said: list[str] = field(default_factory=list)
    activities: list[str] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    on_advance: Callable[[int], None] = lambda _: None

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def advance(self, activity: str, done: int, total: int) -> None:
        self.activities.append(activity)
        if total:
            self.totals.append(total)
        self.on_advance(done)


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    return Toolchain(tmp_path / "cache" / "toolchain")


@pytest.fixture
def tiny(tmp_path: Path) -> GoProgram:
    """A module that needs nothing but the runtime: some forty packages, seconds to build."""
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module tiny\n\ngo 1.22\n")
    (module / "go.sum").write_text("")
    (module / "main.go").write_text(
        'package main\n\nimport "syscall"\n\nfunc main() { syscall.Write(1, []byte("v1.2.3\\n")) }\n'
    )
    return GoProgram(name="tiny", version="v1.2.3", module=module, package="tiny")


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a ``go`` in front of PATH that runs a shell script."""

    def install(script: str) -> Path:
        directory = tmp_path / "fake"
        directory.mkdir(exist_ok=True)
        go = directory / "go"
        go.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}\n")
        go.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
        return directory

    return install


def failure(program: GoProgram, toolchain: Toolchain) -> SandboxError:
    """The error that a build ends with; nothing is published by it."""
    with pytest.raises(SandboxError) as caught:
        build_once(program, toolchain, Recorded())
    assert not toolchain.executable(program).parent.exists()
    return caught.value


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited {DEADLINE:.0f} s for {what}"
        time.sleep(0.02)


def building_process(program: GoProgram, toolchain: Toolchain) -> subprocess.Popen[str]:
    """Another process that builds ``program`` and prints its error as a command would."""
    code = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from sandbox.errors import SandboxError
        from sandbox.toolchain.builder import build_once
        from sandbox.toolchain.program import GoProgram, Toolchain
        from sandbox.toolchain.progress import PlainProgress
        program = GoProgram({program.name!r}, {program.version!r}, Path({str(program.module)!r}), {program.package!r})
        try:
            print(build_once(program, Toolchain(Path({str(toolchain.root)!r})), PlainProgress(sys.stdout)))
        except SandboxError as error:
            print(error)
            sys.exit(error.exit_code)
    """)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@needs_go
def test_an_interrupted_build_goes_on_where_it_was(tiny: GoProgram, toolchain: Toolchain) -> None:
    def ctrl_c(done: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    first = Recorded(on_advance=ctrl_c)
    with pytest.raises(SandboxError, match=r"interrupted after .* the same command goes on from there") as caught:
        build_once(tiny, toolchain, first)
    assert caught.value.exit_code == 130
    assert not toolchain.executable(tiny).exists()

    second = Recorded()
    executable = build_once(tiny, toolchain, second)
    assert subprocess.check_output([executable], text=True) == "v1.2.3\n"
    assert 0 < second.totals[0] < first.totals[0]  # packages that still had to be compiled
    assert "compiling packages of tiny v1.2.3" in second.activities
    assert not toolchain.build_directory(tiny).exists()
    assert sorted(path.name for path in executable.parent.iterdir()) == ["tiny"]


def test_two_builds_at_once_build_once(tiny: GoProgram, toolchain: Toolchain, fake_go: Callable[[str], Path]) -> None:
    directory = fake_go(
        """
        [ "$1" = list ] && exit 0
        echo >> "$(dirname "$0")/builds"
        while [ "$1" != -o ]; do shift; done
        mkdir -p "$(dirname "$2")"
        sleep 0.3
        printf '#!/bin/sh\\necho v1.2.3\\n' > "$2" && chmod +x "$2"
        """
    )
    processes = [building_process(tiny, toolchain) for _ in range(3)]
    outputs = [process.communicate(timeout=DEADLINE)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert [output.splitlines()[-1] for output in outputs] == [str(toolchain.executable(tiny))] * 3
    assert (directory / "builds").read_text() == "\n"


def test_a_second_build_says_whom_it_waits_for_and_uses_the_result(
    tiny: GoProgram, toolchain: Toolchain, fake_go: Callable[[str], Path]
) -> None:
    directory = fake_go(
        """
        [ "$1" = list ] && exit 0
        echo >> "$(dirname "$0")/builds"
        while [ ! -e "$(dirname "$0")/go-on" ]; do sleep 0.05; done
        while [ "$1" != -o ]; do shift; done
        mkdir -p "$(dirname "$2")"
        printf '#!/bin/sh\\necho v1.2.3\\n' > "$2" && chmod +x "$2"
        """
    )
    first = building_process(tiny, toolchain)
    until((directory / "builds").exists, "the first build")
    waiting = Recorded(on_advance=lambda _: (directory / "go-on").touch())
    executable = build_once(tiny, toolchain, waiting)
    assert waiting.said[0] == (
        f"tiny v1.2.3 is being built by another process (pid {first.pid}); its result will be used."
    )
    assert first.communicate(timeout=DEADLINE)[0].splitlines()[-1] == str(executable)
    assert (directory / "builds").read_text() == "\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_compiler_at_work(
    tiny: GoProgram, toolchain: Toolchain, fake_go: Callable[[str], Path], number: signal.Signals
) -> None:
    directory = fake_go(
        """
        [ "$1" = list ] && exit 0
        (trap '' TERM INT HUP; while :; do sleep 1; done) &
        echo $! > "$(dirname "$0")/compiler"
        echo compiled > "$GOCACHE/entry"
        wait
        """
    )
    process = building_process(tiny, toolchain)
    entry = toolchain.build_directory(tiny) / "cache" / "entry"
    until(lambda: entry.exists() and entry.read_text() != "", "the compiler")
    compiler = int((directory / "compiler").read_text())
    process.send_signal(number)
    output, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "was interrupted after" in output
    assert "Traceback" not in output
    until(lambda: not alive(compiler), "the compiler to be gone")
    assert entry.exists()
    assert not toolchain.executable(tiny).parent.exists()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_result_of_other_sources_is_not_used(tiny: GoProgram, toolchain: Toolchain) -> None:
    before = toolchain.executable(tiny)
    (tiny.module / "go.sum").write_text("example.org/m v1.0.0 h1:x=\n")
    assert toolchain.executable(tiny) != before
    assert toolchain.executable(replace(tiny, linker_flags="-X main.v=1")) != toolchain.executable(tiny)


def test_a_build_that_does_not_print_its_version_is_not_published(
    tiny: GoProgram, toolchain: Toolchain, fake_go: Callable[[str], Path]
) -> None:
    fake_go(
        """
        [ "$1" = list ] && exit 0
        while [ "$1" != -o ]; do shift; done
        mkdir -p "$(dirname "$2")"
        printf '#!/bin/sh\\necho v9.9.9\\n' > "$2" && chmod +x "$2"
        """
    )
    error = failure(tiny, toolchain)
    assert error.exit_code == 1
    assert "says 'v9.9.9'" in str(error)


def test_neither_go_nor_the_program_is_said_with_what_to_do(
    tiny: GoProgram, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = failure(tiny, toolchain)
    assert error.exit_code == 3
    assert str(error).startswith("There is neither a suitable tiny (v1.2.3 or newer) nor Go on PATH: install one")


@needs_go
def test_a_go_that_is_too_old_is_said_with_both_versions(
    tiny: GoProgram, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    (tiny.module / "go.mod").write_text("module tiny\n\ngo 1.999.9\n")
    error = failure(tiny, toolchain)
    assert error.exit_code == 3
    assert "needs Go 1.999.9" in str(error)
    assert "the Go on PATH is 1." in str(error)


@needs_go
def test_modules_that_cannot_be_downloaded_are_a_network_error(
    tiny: GoProgram, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")  # the discard port, where nothing listens
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    (tiny.module / "go.mod").write_text("module tiny\n\ngo 1.22\n\nrequire example.org/m v1.0.0\n")
    (tiny.module / "go.sum").write_text("example.org/m v1.0.0 h1:x=\nexample.org/m v1.0.0/go.mod h1:x=\n")
    (tiny.module / "main.go").write_text('package main\n\nimport _ "example.org/m"\n\nfunc main() {}\n')
    error = failure(tiny, toolchain)
    assert error.exit_code == 1
    assert "127.0.0.1:9" in str(error)
    assert "GOPROXY" in str(error)


@pytest.mark.parametrize(
    ("written", "code", "sentence"),
    [
        ("link: /c/x: write failed: No space left on device", 1, "is full while tiny v1.2.3"),
        ("k8s.io/api: /usr/lib/go/pkg/tool/compile: signal: killed", 1, "want of memory"),
        ("verifying m@v1: checksum mismatch\nSECURITY ERROR", 1, "go.sum pins"),
        ("go: download go1.30.1 for linux/amd64: toolchain not available", 3, "Go 1.30.1"),
        ("# tiny\n./main.go:3:8: undefined: x", 1, "./main.go:3:8: undefined: x"),
    ],
)
def test_what_go_writes_becomes_one_sentence(
    tiny: GoProgram,
    toolchain: Toolchain,
    fake_go: Callable[[str], Path],
    written: str,
    code: int,
    sentence: str,
) -> None:
    fake_go(f"[ \"$1\" = list ] && exit 0\nprintf '%s\\n' '{written}' >&2; exit 1")
    error = failure(tiny, toolchain)
    assert error.exit_code == code
    assert sentence in str(error)
    assert "\n" not in str(error)


def test_a_disk_that_is_too_small_is_said_before_the_build(tiny: GoProgram, toolchain: Toolchain) -> None:
    error = failure(replace(tiny, disk_bytes=10**18), toolchain)
    assert error.exit_code == 3
    assert "XDG_CACHE_HOME" in str(error)


def test_a_cache_that_cannot_be_written_is_said(tiny: GoProgram, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = failure(tiny, Toolchain(tmp_path / "file" / "toolchain"))
    assert error.exit_code == 3
    assert "cannot be used to build tiny" in str(error)
