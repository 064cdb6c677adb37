"""How a verb ends. The README lists these; they never change their meaning."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit code of every ``dr`` verb."""

    DONE = 0
    FAILED = 1
    """Something went wrong; the message says what, and what to do."""
    USAGE = 2
    """The command line or the configuration is wrong; nothing was done."""
    REFUSED = 3
    """A condition does not hold (something is busy, a gate is shut); nothing was changed."""
    NEEDS_DECISION = 4
    """A person must confirm in writing; nothing was changed."""
    INTERRUPTED = 130
    """Ctrl-C or SIGTERM; the same command goes on from there."""
