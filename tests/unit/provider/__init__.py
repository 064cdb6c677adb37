"""The resource provider: core and services, without an engine."""
