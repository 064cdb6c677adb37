"""The one error that reaches a user of a verb."""

from __future__ import annotations

from scripts.lib.exit_codes import ExitCode


class DrError(Exception):
    """One clear sentence: the input, the reason and what to do."""

    def __init__(self, message: str, *, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
