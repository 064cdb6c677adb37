"""One line a step: what it does, how far it is, how long it takes. Plain lines when not on a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from scripts.lib.console import err, seconds

QUIET_SECONDS = 15.0
"""Not on a terminal: a sign of life at most this often."""


class Line:
    """The line of one step."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.started = time.monotonic()
        self.result = "done"
        self._spoken = self.started
        self._bar: Progress | None = None

    def attach(self, bar: Progress) -> None:
        """Show on a terminal."""
        self._bar = bar
        bar.add_task(self.title, detail="")

    def tell(self, detail: str) -> None:
        """How far it is."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], detail=detail)
        elif time.monotonic() - self._spoken >= QUIET_SECONDS:
            self._spoken = time.monotonic()
            err.print(f"  {self.title}  {seconds(self._spoken - self.started)}  {detail}", markup=False)

    def end(self, result: str) -> None:
        """What came of it, in a few words."""
        self.result = result


@contextmanager
def step(title: str) -> Iterator[Line]:
    """Show a step while the block runs; its last line stays on the terminal."""
    line = Line(title)
    try:
        if err.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[detail]}"),
            )
            with Progress(*columns, console=err, transient=True) as bar:
                line.attach(bar)
                yield line
        else:
            yield line
    except BaseException:
        err.print(f"  {title}  failed after {seconds(time.monotonic() - line.started)}", markup=False, style="red")
        raise
    err.print(f"  {title}  {line.result}  ({seconds(time.monotonic() - line.started)})", markup=False)
