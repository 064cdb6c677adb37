"""Run one Pulumi program in this process, with the messages and the exit code that the official host gives."""

from __future__ import annotations

import asyncio
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc
import pulumi
from pulumi import runtime
from pulumi.runtime.proto import language_pb2

FAILED_AND_SAID_WHY: Final = 32
"""The user has been told in full: the engine need not add anything (the official host's number)."""
INTERRUPTED: Final = 130

_interrupted = threading.Event()


def run(serialized_request: bytes, engine_address: str) -> int:
    """The exit code of the process, which is the program's as it would be had the program been started by itself."""
    request = language_pb2.RunRequest.FromString(serialized_request)
    os.chdir(request.pwd)
    sys.argv = [request.info.entry_point, *request.args]
    # output is a pipe to the engine: what is printed is to be seen when it is printed
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr] # they are text files here
    # a failed deployment leaves futures that nobody looks at, and asyncio would report each of them
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    _configure(request, engine_address)
    try:
        signal.signal(signal.SIGINT, _interrupt_once)
        exit_code = _deploy(request)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        # the engine ends the run; threads that wait for its answers would keep this process
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    return exit_code


def _interrupt_once(*_: object) -> None:
    """The engine may send a second signal, which must not interrupt the handling of the first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _interrupted.set()
    raise KeyboardInterrupt


def _configure(request: language_pb2.RunRequest, engine_address: str) -> None:
    runtime.set_all_config(dict(request.config), list(request.configSecretKeys))
    runtime.configure(
        runtime.Settings(
            project=request.project,
            stack=request.stack,
            monitor=request.monitor_address,
            engine=engine_address,
            parallel=request.parallel,
            dry_run=request.dryRun,
            organization=request.organization or "organization",
            root_directory=request.info.root_directory,
        )
    )


def _deploy(request: language_pb2.RunRequest) -> int:
    entry_point = request.info.entry_point
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # each resource operation may wait in a thread of its own
    loop.set_default_executor(ThreadPoolExecutor(max_workers=max(request.parallel, 1) * 4))
    exit_code = FAILED_AND_SAID_WHY
    try:
        loop.run_until_complete(runtime.run_in_stack(lambda: _execute(entry_point)))
        exit_code = 0
    except SystemExit as ending:
        exit_code = _exit_code(ending)
    except pulumi.RunError as error:
        _tell(str(error))
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNAVAILABLE:  # the engine shuts down, and knows why
            exit_code = 0
        else:
            _tell(f"the engine refused a call of the program: {error.details()}")
    except Exception as error:  # noqa: BLE001 - whatever the program raises is told to the user
        _tell(f"Program failed with an unhandled exception:\n{program_traceback(error)}")
    _finish(loop)
    return exit_code


def _tell(message: str) -> None:
    """Show the user an error; not that calls failed because the engine has ended the run, of which it tells itself."""
    if _interrupted.is_set():
        return
    try:
        pulumi.log.error(message)
    except grpc.RpcError:  # there is no engine any more
        sys.stderr.write(f"error: {message}\n")


def _execute(entry_point: str) -> None:
    """Run the file, or the ``__main__.py`` of the directory, as if it had been started."""
    runpy.run_path(entry_point, run_name="__main__")


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what a failed run has left pending, which would be reported as destroyed otherwise."""
    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    loop.close()
    sys.stdout.flush()
    sys.stderr.flush()


def _exit_code(ending: SystemExit) -> int:
    """As Python does at the end of a program: anything but a number is a message."""
    if ending.code is None or isinstance(ending.code, int):
        return ending.code or 0
    sys.stderr.write(f"{ending.code}\n")
    return 1


def program_traceback(error: BaseException) -> str:
    """The traceback from the program's first line on: how it was started is no concern of its author."""
    frames = error.__traceback__
    start = frames
    while frames is not None:
        if frames.tb_frame.f_globals.get("__name__") == runpy.__name__:
            start = frames.tb_next
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, start)).rstrip()
