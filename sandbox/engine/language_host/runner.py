"""The process that has the SDK imported, and forks for every run of a program."""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
import threading
from contextlib import suppress
from typing import Final, Protocol

RUN: Final = b"R"
CANCEL: Final = b"C"
_HEADER: Final = struct.Struct(">cI")
_EXIT_CODE: Final = struct.Struct(">i")


class Program(Protocol):
    """The module ``program``, which needs the SDK."""

    def run(self, serialized_request: bytes, engine_address: str) -> int: ...


class RunnerGoneError(Exception):
    """The runner ended by itself; it has written why on standard error."""


class Connection:
    """The host's end. Safe to use from several threads; programs run one after the other."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._sending = threading.Lock()
        self._running = threading.Lock()

    def run(self, request: bytes) -> int:
        """Run one program to its end: its exit code, or minus the signal that ended it. ``request``: a RunRequest.

        It travels through a socket rather than on a command line, because it contains secret configuration.
        """
        with self._running:
            try:
                self._send(RUN, request)
                answer = _receive_exactly(self._channel, _EXIT_CODE.size)
            except OSError as error:
                raise RunnerGoneError from error
        if answer is None:
            raise RunnerGoneError
        (exit_code,) = _EXIT_CODE.unpack(answer)
        return int(exit_code)

    def cancel(self) -> None:
        """Interrupt the program if one runs."""
        try:
            self._send(CANCEL, b"")
        except OSError as error:
            raise RunnerGoneError from error

    def close(self) -> None:
        """End the runner, and with it a program that runs."""
        with suppress(OSError):  # it is gone already
            # closing alone does nothing while another thread waits for the answer
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()

    def _send(self, kind: bytes, payload: bytes) -> None:
        with self._sending:
            self._channel.sendall(_HEADER.pack(kind, len(payload)) + payload)


def start(engine_address: str) -> Connection | int:
    """Fork the runner. Returns twice or more often: the connection in the host, an exit code in each program's process.

    To be called while the process has one thread.
    """
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        theirs.close()
        return Connection(ours)
    ours.close()
    return _serve(theirs, engine_address)


def _serve(channel: socket.socket, engine_address: str) -> int:
    """Fork for every request. Returns in the programs only; the runner itself ends when the host closes the channel."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # the host's standard input belongs to the engine
    os.close(null)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the host, which decides; a program sets its own handler
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while (frame := _receive(channel)) is not None:
        kind, payload = frame
        if kind == CANCEL:
            continue  # nothing runs
        _import_sdk()  # not earlier: most hosts are started without a program to run
        program = os.fork()
        if not program:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (wakeup_read, wakeup_write):
                os.close(descriptor)
            channel.close()
            return _import_sdk().run(payload, engine_address)
        exit_code = _wait(program, channel, wakeup_read)
        try:
            channel.sendall(_EXIT_CODE.pack(exit_code))
        except OSError:  # the host is gone, and with it everybody who wanted to know
            break
    os._exit(0)


def _import_sdk() -> Program:
    """What every program needs; once."""
    gc.disable()  # it would find nothing, and take a tenth of the time
    program: Program = importlib.import_module("sandbox.engine.language_host.program")
    gc.enable()
    return program


def _wait(program: int, channel: socket.socket, wakeup: int) -> int:
    """Wait for the program while listening to the host, without which it must not go on."""
    while True:
        readable, _, _ = select.select([channel.fileno(), wakeup], [], [])
        if wakeup in readable:
            os.read(wakeup, 512)
            pid, status = os.waitpid(program, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        if channel.fileno() in readable:
            frame = _receive(channel)
            if frame is None:
                os.kill(program, signal.SIGKILL)
                os._exit(0)
            if frame[0] == CANCEL:
                os.kill(program, signal.SIGINT)


def _receive(channel: socket.socket) -> tuple[bytes, bytes] | None:
    header = _receive_exactly(channel, _HEADER.size)
    if header is None:
        return None
    kind, length = _HEADER.unpack(header)
    payload = _receive_exactly(channel, length)
    return None if payload is None else (kind, payload)


def _receive_exactly(channel: socket.socket, size: int) -> bytes | None:
    """``None`` when the other end is closed."""
    received = bytearray()
    while len(received) < size:
        chunk = channel.recv(size - len(received))
        if not chunk:
            return None
        received += chunk
    return bytes(received)
