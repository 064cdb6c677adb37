"""What the Pulumi engine needs beside itself: a language host for Python, the provider plugin, a home, an environment.

Each can be used alone: ``plugins.install`` fills a PULUMI_HOME, ``environment.engine_environment`` gives the
variables with which the plain ``pulumi`` works on the sandbox, ``language_host`` runs a program for the engine.
"""
