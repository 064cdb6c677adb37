"""Times as requests write them."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.cloud.s3.errors import invalid_argument


def moment(text: str) -> datetime:
    """A time of a request, with its zone. Raises InvalidArgument if it is none."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid_argument("The retain until date must be provided in ISO 8601 format") from error
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
