"""moto's paths of RDS, answered by our class."""

from __future__ import annotations

from moto.rds.urls import url_bases

from sandbox.cloud.rds.responses import SandboxRdsResponse

__all__ = ["url_bases", "url_paths"]

url_paths = {"{0}/$": SandboxRdsResponse.dispatch}
