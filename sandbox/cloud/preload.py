"""Load the parts of moto that every provisioning calls, so that its first calls do not wait for imports."""

from __future__ import annotations

import logging

from moto import backends
from moto.core.utils import get_service_model
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS

from sandbox.cloud import memory
from sandbox.cloud.context import CloudContext
from sandbox.cloud.dispatcher import Dispatcher

log = logging.getLogger(__name__)

SERVICES = ("s3", "iam", "sts", "kms", "ec2", "secretsmanager", "rds", "logs", "cloudwatch")
_GLOBAL = {"s3", "iam", "sts"}
_SIGNING_NAMES = {"cloudwatch": "monitoring"}


def _forget_other_regions(regions: tuple[str, ...]) -> None:
    """moto loads which instance types every region of the world offers (20 MB)."""
    for offerings in INSTANCE_TYPE_OFFERINGS.values():
        for region in set(offerings) - set(regions):
            del offerings[region]


def preload(context: CloudContext, dispatcher: Dispatcher) -> None:
    """Import the services, make their backends in both regions and the applications that answer for them.

    Runs beside the first requests (it takes about a second of CPU): the cloud is ready that much earlier.
    """
    try:
        _load(context, dispatcher)
    except Exception:  # a request for the service says the same to the one who asks
        log.exception("loading moto's services failed")
    finally:
        memory.settle()


def _load(context: CloudContext, dispatcher: Dispatcher) -> None:
    for service in SERVICES:
        account = backends.get_backend(service)[context.account_id]
        for region in ("aws",) if service in _GLOBAL else context.regions:
            account[region]
        scope = f"x/20000101/us-east-1/{_SIGNING_NAMES.get(service, service)}/aws4_request"
        dispatcher.get_application(
            {"PATH_INFO": "/", "HTTP_HOST": "127.0.0.1", "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}"}
        )
        get_service_model(service)
    _forget_other_regions(context.regions)
