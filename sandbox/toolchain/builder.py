"""Build a Go program once: resumable, safe when two ask at once, and published whole or not at all."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.toolchain.diagnosis import explain
from sandbox.toolchain.errors import ToolchainExit
from sandbox.toolchain.go import Go, GoFailedError, GoMissingError, signals_interrupt
from sandbox.toolchain.lock import build_lock
from sandbox.toolchain.program import GoProgram, Toolchain
from sandbox.toolchain.progress import Progress, duration
from sandbox.toolchain.version import VersionError, ask_version

VERSION_TIMEOUT = 60.0
"""Seconds for the new executable to print its version; the first start reads 120 MB from the disk."""


def build_once(program: GoProgram, toolchain: Toolchain, progress: Progress) -> Path:
    """The executable; built first if it is not there yet. Raises ``SandboxError`` (``ToolchainExit``)."""
    executable = toolchain.executable(program)
    if executable.exists():
        return executable
    started = time.monotonic()
    with _explained(program, toolchain, started), signals_interrupt():
        toolchain.root.mkdir(parents=True, exist_ok=True)
        with build_lock(toolchain.lock(program), program.title, progress):
            if executable.exists():
                return executable
            _build(program, toolchain, progress)
    progress.say(f"Built {program.title} in {duration(time.monotonic() - started)}: {executable}")
    return executable


def _build(program: GoProgram, toolchain: Toolchain, progress: Progress) -> None:
    work = toolchain.build_directory(program)
    go = Go.for_module(program.module, work)
    shutil.rmtree(go.temporary, ignore_errors=True)
    go.temporary.mkdir(parents=True)
    go.cache.mkdir(exist_ok=True)
    _require_space(program, go.cache)
    progress.say(
        f"Building {program.title} from its Go module, once for this user ({program.expectation}); "
        f"an interrupted build goes on where it was."
    )
    result = go.temporary / "result" / program.name
    try:
        total = _packages_to_compile(go, program, progress)
        _compile(go, program, result, total, progress)
        _verify(program, result)
        _publish(result, toolchain.executable(program))
    finally:
        shutil.rmtree(go.temporary)
    shutil.rmtree(work)


def _packages_to_compile(go: Go, program: GoProgram, progress: Progress) -> int:
    """How many packages are not in the compilation cache yet. Downloads the modules on the way."""
    downloads = 0
    activity = f"downloading the modules of {program.title}"

    def line(text: str) -> None:
        nonlocal downloads
        downloads += text.startswith("go: downloading ")

    stale = "{{if .Stale}}{{.ImportPath}}{{end}}"
    listing = ["list", *program.build_flags(), "-deps", "-f", stale, program.package]
    output = go.run(listing, line, lambda: progress.advance(activity, downloads, 0))
    return len(output.split())


def _compile(go: Go, program: GoProgram, result: Path, total: int, progress: Progress) -> None:
    compiled = 0

    def line(text: str) -> None:
        nonlocal compiled
        compiled += bool(text) and " " not in text and not text.startswith("#")

    def heartbeat() -> None:
        # the main package is compiled last: after it the linker works, without a word, for half a minute
        activity = "linking" if compiled >= total else "compiling packages of"
        progress.advance(f"{activity} {program.title}", min(compiled, total), total)

    go.run(["build", "-v", *program.build_flags(), "-o", str(result), program.package], line, heartbeat)


def _verify(program: GoProgram, result: Path) -> None:
    """An executable that does not say which version it is was built wrongly."""
    try:
        said = ask_version(result, program.version_arguments, VERSION_TIMEOUT)
    except VersionError as error:
        raise _useless(program, str(error)) from error
    if program.version not in said.split():
        raise _useless(program, f"it says {said[:200]!r}")


def _useless(program: GoProgram, reason: str) -> SandboxError:
    return SandboxError(
        f"{program.title} was built but does not print its version ({reason}): report it with the output of 'go env'.",
        exit_code=ToolchainExit.FAILED,
    )


def _publish(result: Path, executable: Path) -> None:
    """One rename of a directory on the same file system, so that a file at the published path is complete."""
    with result.open("rb") as file:
        os.fsync(file.fileno())
    shutil.rmtree(executable.parent, ignore_errors=True)
    result.parent.rename(executable.parent)


def _require_space(program: GoProgram, cache: Path) -> None:
    """Better now than in five minutes. What an interrupted build has compiled need not be compiled again."""
    used = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    free = shutil.disk_usage(cache).free
    missing = program.disk_bytes - used - free
    if missing > 0:
        raise SandboxError(
            f"Building {program.title} needs {program.disk_bytes / 1e9:.1f} GB in {cache} and "
            f"{missing / 1e9:.1f} GB are missing: free them, or point XDG_CACHE_HOME to a larger disk.",
            exit_code=ToolchainExit.REFUSED,
        )


@contextmanager
def _explained(program: GoProgram, toolchain: Toolchain, started: float) -> Iterator[None]:
    """Every way in which a build ends early, as one sentence."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise SandboxError(
            f"Building {program.title} was interrupted after {duration(time.monotonic() - started)}: what was "
            "compiled is kept, the same command goes on from there.",
            exit_code=ToolchainExit.INTERRUPTED,
        ) from error
    except GoMissingError as error:
        raise SandboxError(
            f"There is neither a suitable {program.name} ({program.version} or newer) nor Go on PATH: install one of "
            f"the two (Go from https://go.dev/dl builds {program.name} once, {program.expectation}).",
            exit_code=ToolchainExit.REFUSED,
        ) from error
    except GoFailedError as error:
        raise explain(program, toolchain, error) from error
    except OSError as error:
        raise SandboxError(
            f"The cache directory {toolchain.root} cannot be used to build {program.title} ({error}): make it "
            "writable, or set XDG_CACHE_HOME to a directory that is.",
            exit_code=ToolchainExit.REFUSED,
        ) from error
