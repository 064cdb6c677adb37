"""What the Pulumi engine needs beside itself: a language host for Python, the provider plugin, a home, an environment.

Each can be used alone: ``installation.install`` fills a PULUMI_HOME, ``environment.EngineEnvironment`` gives the
variables with which the plain ``pulumi`` works on the sandbox, ``language_host`` runs a program for the engine.
"""
