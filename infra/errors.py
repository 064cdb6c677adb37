"""How this program refuses to run."""

from __future__ import annotations

import pulumi


class ProgramError(pulumi.RunError):
    """A reason not to run, told before anything is registered.

    The engine prints the message without a traceback, creates nothing and keeps the stack's outputs as they were.
    """


class ConfigError(ProgramError):
    """The stack's configuration is not one that this program can run with. The message names every problem."""


class InterlockError(ProgramError):
    """Running would make two active sites, or let an old checkout overrule a newer decision."""


class LineageError(ProgramError):
    """The configured role and generation do not lead to a database that holds the data."""
