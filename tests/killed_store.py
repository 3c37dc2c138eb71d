"""As a program: stores a batch of each kind in the folder that it is given, then dies as at `kill -9`."""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from sql_facts import NOON, new_archiver, records, request, verdict

from events.topics import FILTER_VERDICTS, REQUEST_LOGS
from policy.policy import Retention
from sql.batch import Batch
from sql.migrate import up
from sql.settings import StoreSettings
from sql.store import open_store

EARLIER, STORED = 50, 150
"""Records of each topic: those of the batch before, and with those of the batch at whose end it dies."""
REQUESTS = records(request(f"r{number}:log", NOON + timedelta(minutes=number)) for number in range(2 * STORED))
VERDICTS = records(verdict(f"r{number}:prompt:0", NOON + timedelta(minutes=number)) for number in range(2 * STORED))


def batches(first: int, last: int) -> list[Batch]:
    return [Batch(REQUEST_LOGS.name, 0, REQUESTS[first:last]), Batch(FILTER_VERDICTS.name, 0, VERDICTS[first:last])]


def main(folder: Path) -> None:
    store = open_store(StoreSettings(path=folder))
    up(store, Retention(), now=NOON)
    store.command("SYSTEM STOP MERGES")  # what is noted last is a part of its own
    archiver = new_archiver(store)
    for batch in (*batches(0, EARLIER), *batches(EARLIER, STORED)):
        archiver.store_batch(batch)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
