"""Load the parts of moto that every provisioning calls, so that its first calls do not wait for imports."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from moto import backends
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from sandbox.cloud.context import CloudContext

SERVICES = ("s3", "iam", "sts", "kms", "ec2", "secretsmanager", "rds", "logs", "cloudwatch")
_GLOBAL = {"s3", "iam", "sts"}
_SIGNING_NAMES = {"cloudwatch": "monitoring"}


@contextmanager
def loading() -> Iterator[None]:
    """Without the garbage collector: what is loaded stays, and looking through it again and again takes time."""
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def preload(context: CloudContext, dispatcher: DomainDispatcherApplication, say: Callable[[str], None]) -> None:
    """Import the services, make their backends in both regions and the applications that answer for them."""
    for service in SERVICES:
        account = backends.get_backend(service)[context.account_id]
        for region in ("aws",) if service in _GLOBAL else context.regions:
            account[region]
        scope = f"x/20000101/us-east-1/{_SIGNING_NAMES.get(service, service)}/aws4_request"
        dispatcher.get_application(
            {"PATH_INFO": "/", "HTTP_HOST": "127.0.0.1", "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}"}
        )
        get_service_model(service)
        say(service)
