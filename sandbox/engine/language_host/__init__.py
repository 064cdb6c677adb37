"""The Python language host of the engine: runs the program of a Pulumi project, as the official host would.

The official host is not in a package registry. Where it is installed beside the Pulumi CLI, the engine takes it.

The engine starts a host three times for one ``pulumi up``, so what counts is the time until it answers. Two processes:

- the *host* speaks gRPC with the engine and knows nothing of programs (``__main__``, ``servicer``, ``wire``);
- the *runner*, forked before gRPC starts its threads, imports the SDK when there is a program to run, and forks once
  more for every run, so that each program starts in a clean interpreter (``runner``, ``program``).
"""
