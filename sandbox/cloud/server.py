"""The cloud's process: moto's services behind the layer on one loopback port, with the corrections registered."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import tempfile
import threading
from pathlib import Path

from werkzeug.serving import ThreadedWSGIServer

from sandbox.certificates import CertificateAuthority
from sandbox.cloud import ec2, memory, moto_settings, rds, s3
from sandbox.cloud.context import CloudContext
from sandbox.cloud.dispatcher import Dispatcher
from sandbox.cloud.http_handler import KeepAliveHandler
from sandbox.cloud.layer import Layer, OpenGate
from sandbox.cloud.listening import HOST
from sandbox.cloud.preload import preload
from sandbox.cloud.request_log import FILE_NAME, RequestLog
from sandbox.errors import SandboxError

INFO_FILE = "cloud.json"
# Calls under way may end when the cloud goes down; a database instance that is being made does not hold it up longer.
_GRACE_SECONDS = 5.0


def run(context: CloudContext, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then close every part of the cloud. Raises SandboxError if it cannot start."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    _make_room(context)
    try:
        memory.keep_small()
        gc.disable()  # preload() turns it on again: what is loaded now stays
        dispatcher = Dispatcher()
        layer = _start(context, dispatcher)
        server = ThreadedWSGIServer(HOST, listener.getsockname()[1], layer, KeepAliveHandler, fd=listener.fileno())
        server.daemon_threads = True
        serving = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="serve", daemon=True
        )
        serving.start()
        _announce(context, server.port)
        threading.Thread(target=preload, args=(context, dispatcher), name="preload", daemon=True).start()
        stop.wait()
        (context.directory / INFO_FILE).unlink(missing_ok=True)
        server.shutdown()
        serving.join()
        layer.wait_until_idle(_GRACE_SECONDS)
    finally:
        context.close()
        listener.close()


def _start(context: CloudContext, dispatcher: Dispatcher) -> Layer:
    ec2.register(context)
    s3.register(context)
    rds.register(context)
    requests = RequestLog(context.directory / FILE_NAME).open()
    context.on_close(requests.close)
    return Layer(dispatcher, requests, OpenGate(), s3.bucket_region)


def _make_room(context: CloudContext) -> None:
    """Files of large objects lie in the cloud's directory, and there may be as many of them as the system allows."""
    scratch = moto_settings.scratch_directory(context)
    try:
        scratch.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SandboxError(
            f"cannot write to {context.directory}: {error.strerror}; choose another directory"
        ) from error
    tempfile.tempdir = str(scratch)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _announce(context: CloudContext, port: int) -> None:
    """Write ``cloud.json`` in one step: whoever finds it may call."""
    document = {
        "pid": os.getpid(),
        "port": port,
        "endpoint": f"http://{HOST}:{port}",
        "ca_certificate": str(CertificateAuthority(context.directory).create().certificate),
    }
    target = context.directory / INFO_FILE
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    partial.replace(target)


def prepare(directory: Path) -> CloudContext:
    """The context of a cloud in ``directory``; made if missing, and then open to databases that run as ``nobody``."""
    try:
        if not directory.exists():
            directory.mkdir(parents=True)
            directory.chmod(0o755)
    except OSError as error:
        raise SandboxError(
            f"cannot make the cloud's directory {directory}: {error.strerror}; choose another"
        ) from error
    return CloudContext(directory.resolve())
