"""The verbs of recovery (``dr <verb>``): one small module a verb, over ``scripts.lib``.

They speak to the Pulumi engine, to AWS and to Kubernetes as any client does, and never build a resource.
"""
