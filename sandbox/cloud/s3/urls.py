"""moto's paths of S3, answered by our class."""

from __future__ import annotations

from moto.s3 import urls

from sandbox.cloud.s3.responses import Answers

url_bases = urls.url_bases
url_paths = {path: getattr(Answers, handler.__name__) for path, handler in urls.url_paths.items()}
