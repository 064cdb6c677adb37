"""Real PostgreSQL servers, driven directly through their binaries; nothing here knows AWS.

``installation`` finds the binaries and the account they run as, ``server`` is one server, ``replica``, ``snapshot`` and
``archive`` are the ways in which one server's data becomes another's, ``link`` is the network between two regions.
"""
