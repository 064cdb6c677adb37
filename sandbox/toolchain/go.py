"""Run the Go tool: seen to progress, and gone with all its compilers when it is interrupted."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HEARTBEAT = 1.0
"""Seconds; how often the caller is called while Go says nothing (linking takes half a minute)."""
KEPT_LINES = 40
"""Lines of diagnostics that an error may quote."""


class GoFailedError(Exception):
    """Go ended with an error; ``output`` is the end of what it wrote."""

    def __init__(self, returncode: int, output: str) -> None:
        super().__init__(output)
        self.returncode = returncode
        self.output = output


class GoMissingError(Exception):
    """There is no ``go`` on PATH."""


@dataclass(frozen=True)
class Go:
    """The Go tool for one module, with a compilation cache of its own."""

    executable: str
    module: Path
    cache: Path
    temporary: Path

    @classmethod
    def for_module(cls, module: Path, build_directory: Path) -> Go:
        """Find ``go`` on PATH."""
        executable = shutil.which("go")
        if executable is None:
            raise GoMissingError
        return cls(executable, module, build_directory / "cache", build_directory / "tmp")

    def environment(self) -> dict[str, str]:
        """The user's, without what would change the result.

        GOMODCACHE, GOPROXY and the like stay the user's. Temporary files are put where a killed Go leaves nothing
        behind that nobody finds.
        """
        changed = {
            "CGO_ENABLED": "0",
            "GOCACHE": str(self.cache),
            "GOFLAGS": "-mod=readonly",
            "GOTMPDIR": str(self.temporary),
            "GOWORK": "off",
        }
        foreign = {"GOOS", "GOARCH", "GOEXPERIMENT", "GOBIN", "GODEBUG"}
        return {**{name: value for name, value in os.environ.items() if name not in foreign}, **changed}

    def run(self, arguments: Sequence[str], on_line: Callable[[str], None], on_heartbeat: Callable[[], None]) -> str:
        """Standard output. Every line of standard error goes to ``on_line``, except that errors are quoted.

        Raises ``GoFailedError``. However it ends, nothing of Go runs on.
        """
        with _process([self.executable, *arguments], self.module, self.environment()) as process:
            output, diagnostics = _drain(process, on_line, on_heartbeat)
            returncode = process.wait()
        if returncode:
            raise GoFailedError(returncode, diagnostics)
        return output


def _drain(
    process: subprocess.Popen[bytes], on_line: Callable[[str], None], on_heartbeat: Callable[[], None]
) -> tuple[str, str]:
    """Read both pipes to their ends."""
    if process.stdout is None or process.stderr is None:
        raise ValueError("both outputs have to be pipes")
    output = bytearray()
    partial = b""
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.register(process.stderr, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(HEARTBEAT):
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fd == process.stdout.fileno():
                    output += chunk
                else:
                    *lines, partial = (partial + chunk).split(b"\n")
                    for line in lines:
                        text = line.decode(errors="replace").rstrip()
                        kept.append(text)
                        on_line(text)
            on_heartbeat()
    if partial:
        kept.append(partial.decode(errors="replace"))
    return output.decode(errors="replace"), "\n".join(kept)


@contextmanager
def _process(
    command: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, of which nothing is left afterwards."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end_group(process)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """``go build`` alone would leave its compilers at work. Its cache survives a kill at any point."""
    # the group exists as long as one compiler does, also when its leader is gone and waited for
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise ``KeyboardInterrupt``: they would end Python at once and leave Go at work."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; it decides
        return
    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
