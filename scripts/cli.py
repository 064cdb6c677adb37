"""``dr``: one verb a module. Other packages add commands through the entry-point group ``dr.commands``."""

from __future__ import annotations

import signal
import sys
from importlib.metadata import entry_points
from types import FrameType
from typing import NoReturn

import click
import typer

from scripts import check, provision, status
from scripts.lib.console import err
from scripts.lib.exit_codes import ExitCode

app = typer.Typer(
    name="dr",
    help="Disaster recovery of the Goliath Partner System: its two sites, provisioned, checked and shown.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("provision")(provision.provision)
app.command("check")(check.check)
app.command("status")(status.status)


def _add_plugins() -> None:
    for plugin in sorted(entry_points(group="dr.commands"), key=lambda item: item.name):
        app.add_typer(plugin.load(), name=plugin.name)


def main() -> NoReturn:
    """Run; turn every expected failure into one sentence and its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _add_plugins()
        code = app(standalone_mode=False)
    except click.exceptions.Abort:
        code = _say("interrupted", ExitCode.INTERRUPTED)
    except KeyboardInterrupt:
        code = _say("interrupted: run the same command again to go on", ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except Exception as error:
        known = getattr(error, "exit_code", None)
        if known is None:  # a defect of ours: the traceback is what a bug report needs
            raise
        code = _say(str(error), int(known))
    sys.exit(int(code or 0))


def _say(message: str, code: int) -> int:
    err.print(f"error: {message}", markup=False, style="red")
    return code


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt
