"""In front of moto: says of every call which region, service and action it is for, lets a gate decide, and logs it.

moto is kind about two things that matter to a recovery and are corrected here: a call for a bucket of another region is
redirected as S3 does, instead of being answered; and a presigned call of another service than S3 is recognised.
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from sandbox.cloud.operations import CLIENT_NAMES, Question, operation_name
from sandbox.cloud.request_log import Call, RequestLog, timestamp
from sandbox.cloud.s3_address import S3Address, address_of, answer_elsewhere
from sandbox.cloud.signature import Signature, signature_of

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[[str, Headers], object]
Application = Callable[[Environ, Any], Iterable[bytes]]

ENVIRON_KEY = "sandbox.asked"
"""Where the layer leaves the :class:`Asked` of a request for the applications behind it."""

# Calls without a signature cannot be told a region if they name no bucket ("AssumeRoleWithWebIdentity").
UNKNOWN_REGION = "unknown"
_UNSIGNED_SERVICES = {"AssumeRoleWithSAML": "sts", "AssumeRoleWithWebIdentity": "sts"}
_FORM = "application/x-www-form-urlencoded"
_ERROR_CODE = re.compile(rb'<Code>([^<]+)</Code>|"(?:__type|code|Code)"\s*:\s*"(?:[^"#]*#)?([^"]+)"')


@dataclass(frozen=True)
class Asked:
    """What a request asks for, before anything is done about it."""

    region: str
    service: str
    action: str
    access_key: str = ""
    bucket: str = ""
    key: str = ""
    bucket_region: str = ""
    """Home region of the bucket; empty if there is no such bucket."""


@dataclass(frozen=True)
class Refusal:
    """A gate's own answer."""

    status: str
    code: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Gate(Protocol):
    """Decides what becomes of a call. It runs in the call's own thread: one that takes its time slows the call down."""

    def decide(self, asked: Asked) -> Refusal | None:
        """None lets the call through."""


class OpenGate:
    """Lets everything through."""

    def decide(self, asked: Asked) -> Refusal | None:  # noqa: ARG002 - the protocol's
        return None


@dataclass(frozen=True)
class _Answer:
    status: str
    headers: Headers
    body: list[bytes]
    code: str = ""


class Layer:
    """WSGI middleware around moto's application.

    ``bucket_region`` tells the home region of a bucket, None if there is none of that name.
    """

    def __init__(
        self, app: Application, log: RequestLog, gate: Gate, bucket_region: Callable[[str], str | None]
    ) -> None:
        self._app = app
        self._log = log
        self._gate = gate
        self._bucket_region = bucket_region
        self._busy = 0
        self._idle = threading.Condition()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        with self._idle:
            self._busy += 1
        try:
            answer = self._handle(environ)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()
        start_response(answer.status, answer.headers)
        return answer.body

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether the calls that are under way ended within ``seconds``."""
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, timeout=seconds)

    def _handle(self, environ: Environ) -> _Answer:
        started, clock = time.time(), time.perf_counter()
        address, asked = self._identify(environ)
        environ[ENVIRON_KEY] = asked
        answer: _Answer | None = None
        try:
            answer = self._answer(environ, asked, address)
            return answer
        finally:
            status = 500 if answer is None else int(answer.status.split(None, 1)[0])
            code = "InternalError" if answer is None else _error_code(answer, status)
            self._log.write(
                Call(
                    time=timestamp(started),
                    region=asked.region,
                    service=asked.service,
                    action=asked.action,
                    resource=address.resource if address is not None else "",
                    status=status,
                    error=code,
                    milliseconds=round((time.perf_counter() - clock) * 1000, 2),
                    access_key=asked.access_key,
                )
            )

    def _answer(self, environ: Environ, asked: Asked, address: S3Address | None) -> _Answer:
        refusal = self._gate.decide(asked)
        if refusal is not None:
            return _Answer(refusal.status, list(refusal.headers), [refusal.body], refusal.code)
        if address is not None:
            elsewhere = answer_elsewhere(address, asked.action, asked.region, asked.bucket_region or None)
            if elsewhere is not None:
                return _Answer(elsewhere.status, list(elsewhere.headers), [elsewhere.body], elsewhere.code)
        return self._ask_moto(environ)

    def _ask_moto(self, environ: Environ) -> _Answer:
        taken: list[tuple[str, Headers]] = []

        def start_response(status: str, headers: Headers, _exc_info: object = None) -> None:
            taken[:] = [(status, headers)]

        chunks = self._app(environ, start_response)
        try:
            body = list(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        return _Answer(*taken[0], body)

    def _identify(self, environ: Environ) -> tuple[S3Address | None, Asked]:
        signature = signature_of(environ)
        path = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
        form = _form(environ, signature)
        service = _service(signature, form, path)
        if signature is not None and signature.presigned and signature.service != "s3":
            # moto looks for the service of a call in this header only and takes the others for S3
            environ.setdefault("HTTP_AUTHORIZATION", _as_header(signature))
        address = address_of(environ, path) if service == "s3" else None
        question = Question(
            method=environ["REQUEST_METHOD"],
            path=path if address is None else address.path,
            query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
            headers=_header_names(environ),
            target=environ.get("HTTP_X_AMZ_TARGET", ""),
            form=form,
        )
        home = (self._bucket_region(address.bucket) or "") if address is not None and address.bucket else ""
        region = signature.region if signature is not None else home or UNKNOWN_REGION
        return address, Asked(
            region=region,
            service=service,
            action=operation_name(service, question),
            access_key=signature.access_key if signature is not None else "",
            bucket=address.bucket if address is not None else "",
            key=address.key if address is not None else "",
            bucket_region=home,
        )


def _service(signature: Signature | None, form: Mapping[str, str] | None, path: str) -> str:
    if signature is not None:
        if signature.service == "s3" and path.startswith("/v20180820/"):
            return "s3control"
        return CLIENT_NAMES.get(signature.service, signature.service)
    return _UNSIGNED_SERVICES.get(form.get("Action", ""), "s3") if form is not None else "s3"


def _form(environ: Environ, signature: Signature | None) -> dict[str, str] | None:
    """The form of a call in the query protocol; the body is put back for those that read it next."""
    if not environ.get("CONTENT_TYPE", "").startswith(_FORM) or (signature is not None and signature.service == "s3"):
        return None
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _header_names(environ: Environ) -> dict[str, str]:
    return {
        name[5:].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    }


def _as_header(signature: Signature) -> str:
    scope = f"{signature.access_key}/20000101/{signature.region}/{signature.service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=presigned"


def _error_code(answer: _Answer, status: int) -> str:
    if answer.code or status < 400:
        return answer.code
    for name, value in answer.headers:
        if name.lower() in {"x-amzn-errortype", "x-amzn-query-error"}:
            return value.split(";", 1)[0].split(":", 1)[0].rsplit("#", 1)[-1]
    match = _ERROR_CODE.search(b"".join(answer.body)[:4096])
    if match is None:
        return answer.status.split(None, 1)[0]
    return (match[1] or match[2]).decode("utf-8", "replace")
