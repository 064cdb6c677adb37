"""Plugins of the whole suite; pytest takes them from the topmost conftest only."""

pytest_plugins = ("tests.sandbox.cloud_fixtures", "tests.sandbox.engine_fixtures")
