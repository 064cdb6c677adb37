"""One HTTP/1.1 connection that is kept alive, which werkzeug's own handler does not do (it closes after each call).

Everything that moto answers is in memory, so a response is one buffer with its length: one segment on the wire, and the
next request may follow on the same connection. ``TCP_NODELAY`` keeps Nagle's algorithm from waiting for the client's
delayed acknowledgement (40 ms a call on Linux).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol, cast

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import DechunkedInput
from werkzeug.wsgi import LimitedStream

log = logging.getLogger(__name__)

# What is left of a request's body is read away up to this size; a longer rest closes the connection instead.
_DRAIN_BYTES = 8 * 1024 * 1024
_NO_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class _Body(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class KeepAliveHandler(MotoRequestHandler):  # type: ignore[misc]
    """Serves one connection; the request line and the headers are parsed by the standard library."""

    close_connection: bool
    _headers_buffer: list[bytes]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """Answered in :meth:`run_wsgi`, right before the body is read."""
        return True

    def run_wsgi(self) -> None:
        """Answer one request. An error of the application is a 500 and is logged; the connection goes on."""
        environ = cast("dict[str, Any]", self.make_environ())
        self.environ = environ
        body = self._body(environ)
        environ["wsgi.input"] = body
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            status, headers, content = self._call(environ)
        except Exception:
            log.exception("%s %s failed", self.command, environ.get("PATH_INFO"))
            status, headers, content = "500 Internal Server Error", [("Content-Type", "text/plain")], b"internal error"
        self._send(status, headers, content)
        self._drain(body)

    def _body(self, environ: dict[str, Any]) -> _Body:
        if isinstance(environ["wsgi.input"], DechunkedInput):
            return io.BufferedReader(environ["wsgi.input"])
        length = int(environ.get("CONTENT_LENGTH") or 0)
        return io.BufferedReader(LimitedStream(self.rfile, length)) if length else io.BytesIO()

    def _call(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        answer: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> None:
            answer[:] = [(status, headers)]

        chunks: Iterable[bytes] = self.server.app(environ, start_response)
        try:
            content = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        status, headers = answer[0]
        return status, headers, content

    def _send(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        code = int(status.split(None, 1)[0])
        names = {name.lower() for name, _ in headers}
        self.send_response_only(code)
        if "date" not in names:
            self.send_header("Date", self.date_time_string())
        for name, value in headers:
            if name.lower() != "connection":
                self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        without_body = self.command == "HEAD" or code in _NO_BODY
        if "content-length" not in names and code not in _NO_BODY:
            self.send_header("Content-Length", str(len(content)))
        head, self._headers_buffer = self._headers_buffer, []
        self.wfile.write(b"".join([*head, b"\r\n", b"" if without_body else content]))

    def _drain(self, body: _Body) -> None:
        """A next request starts where this one's body ends, whether or not the application read it."""
        if self.close_connection:
            return
        try:
            rest = body.read(_DRAIN_BYTES)
        except ClientDisconnected:
            self.close_connection = True
            return
        if len(rest) == _DRAIN_BYTES:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """What http.server says of malformed requests; the request log of the layer says the rest."""
        log.warning(format, *args)

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """As :meth:`log_message`."""
        log.warning(format, *args)
