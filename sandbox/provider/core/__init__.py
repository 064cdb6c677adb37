"""The part of the provider that knows the engine's protocol and no AWS service."""
