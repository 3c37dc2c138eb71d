"""The command line: composes the processes and nothing else."""
