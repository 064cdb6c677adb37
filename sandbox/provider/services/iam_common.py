"""What the resource classes of IAM share. IAM is global: its control plane is in one region, wherever we are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import Resource, canonical_json

CONTROL_PLANE: Final = "us-east-1"
"""Where IAM's calls go and are signed for (IAM User Guide, "Resilience in IAM")."""
_GONE: Final = "NoSuchEntity"


class IamResource(Resource):
    """A type of IAM."""

    service = "iam"

    @property
    def client(self) -> Any:
        return self.call.aws.client(self.service, CONTROL_PLANE)

    def found(self, act: Callable[[], Any]) -> Any:
        """The answer of a call, or None when what it is about does not exist."""
        try:
            return act()
        except ClientError as error:
            if code_of(error) == _GONE:
                return None
            raise

    def pages(self, operation: str, key: str, **request: Any) -> list[Any]:
        """All elements of a listing; an empty list when what it is about does not exist."""
        pages = self.client.get_paginator(operation).paginate(**request)
        return self.found(lambda: [item for page in pages for item in page[key]]) or []


def text_of(document: Any, known: Any = None) -> str:
    """A policy as text: the program's own words (``known``) where they mean what AWS says."""
    text = document if isinstance(document, str) else json.dumps(document)
    if isinstance(known, str) and canonical_json(known) == canonical_json(text):
        return known
    return text
