"""Plugins of the whole suite; pytest takes them from the topmost conftest only."""

from __future__ import annotations

import signal

pytest_plugins = ("tests.sandbox.cloud_fixtures", "tests.sandbox.engine_fixtures")


def pytest_configure() -> None:
    """A suite that is started in the background ignores Ctrl-C, and so would every command that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
