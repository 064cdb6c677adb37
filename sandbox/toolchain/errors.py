"""How a program that cannot be had ends a command; the numbers are those of the README."""

from __future__ import annotations

from enum import IntEnum


class ToolchainExit(IntEnum):
    """Exit codes of ``SandboxError`` as raised by this package. Nothing half-made is left by any of them."""

    FAILED = 1
    """The build or a download failed; what was compiled is kept, so that the same command goes on from there."""
    REFUSED = 3
    """Something is missing on this machine: Go (new enough) or the program itself, disk space, a writable cache."""
    INTERRUPTED = 130
    """Ctrl-C, SIGTERM or SIGHUP; the same command goes on from there."""
