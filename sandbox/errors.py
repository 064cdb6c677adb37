"""The one error that reaches a user of the sandbox."""

from __future__ import annotations


class SandboxError(Exception):
    """One clear sentence: the input, the reason and what to do. ``exit_code`` as documented in the README."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
