"""The programs of the sandbox that come as Go modules: taken from PATH where suitable, else built once per user.

``pulumi.ensure_pulumi`` is the public function; ``builder.build_once`` builds any ``GoProgram``.
"""
