"""In front of moto: says of every call which region, service and action it is for, lets a gate decide, and logs it.

moto is kind about two things that matter to a recovery and are corrected here: a call for a bucket of another region is
redirected as S3 does, instead of being answered; and a presigned call of another service than S3 is recognised.
"""

from __future__ import annotations

import io
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl

from sandbox.cloud.error_answers import error_answer
from sandbox.cloud.operations import CLIENT_NAMES, Question, operation_name
from sandbox.cloud.request_log import Call, RequestLog, timestamp
from sandbox.cloud.s3_address import S3Address, address_of, answer_elsewhere
from sandbox.cloud.signature import Signature, signature_of

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[[str, Headers], object]
Application = Callable[[Environ, Any], Iterable[bytes]]

ENVIRON_KEY = "sandbox.asked"
"""Where the layer leaves the :class:`Asked` of a request for the applications behind it."""

GLOBAL_SERVICES = {"cloudfront": "us-east-1", "iam": "us-east-1", "organizations": "us-east-1", "route53": "us-east-1"}
"""Services with one endpoint for all regions, and where their control plane is ("AWS service endpoints").

Sent to a custom endpoint, SDKs sign their calls for the client's own region; on AWS they go, and are signed, here.
"""

# Calls without a signature cannot be told a region if they name no bucket ("AssumeRoleWithWebIdentity").
UNKNOWN_REGION = "unknown"
_UNSIGNED_SERVICES = {"AssumeRoleWithSAML": "sts", "AssumeRoleWithWebIdentity": "sts"}
# How moto's web framework answers for a path that no operation has; no AWS service answers in HTML.
_NO_ROUTE = b"<!doctype html>"
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
    """A gate's own answer: an error that is written in the protocol of the service."""

    status: int
    code: str
    message: str


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
        answer = self._answer(environ, asked, address)
        status = int(answer.status.split(None, 1)[0])
        self._log.write(
            Call(
                time=timestamp(started),
                region=asked.region,
                service=asked.service,
                action=asked.action,
                resource=address.resource if address is not None else "",
                status=status,
                error=_error_code(answer, status),
                milliseconds=round((time.perf_counter() - clock) * 1000, 2),
                access_key=asked.access_key,
            )
        )
        return answer

    def _answer(self, environ: Environ, asked: Asked, address: S3Address | None) -> _Answer:
        refusal = self._gate.decide(asked)
        if refusal is not None:
            return _refused(environ, asked, refusal)
        if address is not None:
            elsewhere = answer_elsewhere(address, asked.action, asked.region, asked.bucket_region or None)
            if elsewhere is not None:
                return _Answer(elsewhere.status, list(elsewhere.headers), [elsewhere.body], elsewhere.code)
        try:
            answer = self._ask_moto(environ)
        except NotImplementedError:
            return _refused(environ, asked, _not_implemented(asked))
        except Exception as error:  # one call that moto cannot do; its client has to be told so
            log.exception("%s:%s failed", asked.service, asked.action)
            message = f"the sandbox's cloud failed at this call: {type(error).__name__}: {error}"
            return _refused(environ, asked, Refusal(500, "InternalFailure", message))
        if answer.status.startswith("404") and b"".join(answer.body).startswith(_NO_ROUTE):
            return _refused(environ, asked, _not_implemented(asked))
        return answer

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
        signed = signature.region if signature is not None else ""
        region = GLOBAL_SERVICES.get(service) or signed or home or UNKNOWN_REGION
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


def _not_implemented(asked: Asked) -> Refusal:
    return Refusal(501, "NotImplemented", f"the sandbox's cloud does not know {asked.service}:{asked.action}")


def _refused(environ: Environ, asked: Asked, refusal: Refusal) -> _Answer:
    headers, body = error_answer(asked.service, refusal.code, refusal.message, environ)
    status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
    return _Answer(status, headers, [body], refusal.code)


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
