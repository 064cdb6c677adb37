"""The longest wait that a newcomer meets is seen to progress, on a terminal and in the log of a CI job."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

PLAIN_INTERVAL = 15.0
"""Seconds between two lines where nothing can be redrawn."""


class Progress(Protocol):
    """What a build reports. ``advance`` is called at least once a second, also while nothing changes."""

    def say(self, sentence: str) -> None:
        """One line that stays."""

    def advance(self, activity: str, done: int, total: int) -> None:
        """``done`` of ``total`` parts of ``activity``; a total of 0 is not known."""


class PlainProgress:
    """Lines for a log: what is said, and every ``PLAIN_INTERVAL`` how far it is."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started = self._last = clock()

    def say(self, sentence: str) -> None:
        """Write the sentence at once."""
        self._write(sentence)

    def advance(self, activity: str, done: int, total: int) -> None:
        """Write a line when the last one is old enough."""
        now = self._clock()
        if now - self._last < PLAIN_INTERVAL:
            return
        self._last = now
        count = f"{done} of {total} " if total else f"{done} " if done else ""
        self._write(f"{activity}: {count}after {duration(now - self._started)}")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class TerminalProgress:
    """One line that is redrawn, with a bar, a count and the time; nothing before the first report."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: RichProgress | None = None

    def say(self, sentence: str) -> None:
        """Print above the bar."""
        self._shown().console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def advance(self, activity: str, done: int, total: int) -> None:
        """Redraw; the elapsed time moves by itself."""
        bar = self._shown()
        bar.update(bar.task_ids[0], description=activity, completed=done, total=total or None)

    def close(self) -> None:
        """Take the bar away; what was said stays."""
        if self._bar is not None:
            self._bar.stop()

    def _shown(self) -> RichProgress:
        if self._bar is None:
            from rich import progress as rich  # noqa: PLC0415 - 0.1 s that only a build on a terminal needs
            from rich.console import Console  # noqa: PLC0415

            self._bar = rich.Progress(
                rich.SpinnerColumn(),
                rich.TextColumn("{task.description}"),
                rich.BarColumn(),
                rich.MofNCompleteColumn(),
                rich.TimeElapsedColumn(),
                console=Console(file=self._stream),
                transient=True,
            )
            self._bar.add_task("", total=None)
            self._bar.start()
        return self._bar


@contextmanager
def open_progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """The progress that suits ``stream`` (standard error unless told)."""
    stream = stream or sys.stderr
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield PlainProgress(stream)
        return
    terminal = TerminalProgress(stream)
    try:
        yield terminal
    finally:
        terminal.close()


def duration(seconds: float) -> str:
    """``75`` becomes ``1 min 15 s``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
