"""AWS's answers as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from scripts.lib.errors import DrError
from scripts.lib.exit_codes import ExitCode


@contextmanager
def naming_region(region: str) -> Iterator[None]:
    """Turn botocore's errors into one sentence that names the region and what to do."""
    try:
        yield
    except NoCredentialsError:
        raise DrError(
            "no AWS credentials: sign in to AWS, or set up the shell's environment as the README says",
            exit_code=ExitCode.USAGE,
        ) from None
    except ClientError as error:
        details = error.response.get("Error", {})
        raise DrError(
            f"AWS refused {error.operation_name} in {region} ({details.get('Code')}: {details.get('Message')})"
        ) from None
    except BotoCoreError as error:
        raise DrError(f"AWS does not answer in {region} ({error}): check the network and the region's health") from None
