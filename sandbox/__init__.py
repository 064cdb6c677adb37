"""Two AWS regions on this machine: the place where the environment is provisioned, lost and recovered for real.

Nothing in ``infra/`` or ``scripts/`` knows that this package exists; it knows neither of them.
"""
