"""A process that keeps memory does not ask the system for it again with every batch."""

import subprocess
import sys

_ROUNDS = """
import resource, sys
import pyarrow as pa
from watchfloor.memory import keep_memory

if sys.argv[1] == "kept":
    keep_memory()

def a_batch():
    return [bytes(400) for _ in range(100_000)]

a_batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    a_batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, pa.default_memory_pool().backend_name)
"""


def faults_and_pool(how: str) -> tuple[int, str]:
    """Pages asked for while ten batches came and went, and who gives Arrow its memory."""
    run = subprocess.run([sys.executable, "-c", _ROUNDS, how], check=True, capture_output=True, text=True, timeout=60)
    faults, pool = run.stdout.split()
    return int(faults), pool


def test_batches_come_and_go_in_memory_that_is_kept() -> None:
    usual, _ = faults_and_pool("usual")
    kept, pool = faults_and_pool("kept")
    assert pool == "system"
    assert kept < usual / 10, (kept, usual)
