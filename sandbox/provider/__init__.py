"""An ``aws`` provider for the real Pulumi engine: it does to the sandbox's cloud what the genuine one does to AWS.

``core`` speaks the engine's protocol and knows no service; ``services`` holds one file a service, each a few resource
classes on boto3. What a property's change means (replace, delete first, in place) is data: ``facts.json``.
"""
