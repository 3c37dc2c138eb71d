"""Real processes to measure: worker and API on a broker, with a policy that acts; started here, stopped here."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from bench.child import Child
from bench.log import kafka_env
from bench.roles import prepare_clickhouse
from bench.scale.errors import TooSlow
from bench.scale.http import Connection, get
from broker.connection import KafkaSettings
from watchfloor.place import Place

POLICY = Path(__file__).parent / "enforcing.yaml"
_PATIENCE = 60.0


@asynccontextmanager
async def running_worker(kafka: KafkaSettings, folder: Path, *, policy: str = str(POLICY)) -> AsyncIterator[Child]:
    """`watchfloor worker` with default settings."""
    env = kafka_env(kafka) | {"WATCHFLOOR_WORKER_POLICY": policy}
    async with Child.running(["watchfloor", "worker"], env, folder / "worker.log") as child:
        yield child


class Api:
    """`watchfloor api`, ready to answer."""

    def __init__(self, child: Child, port: int, token: str) -> None:
        self.child, self.port, self.token = child, port, token

    @classmethod
    @asynccontextmanager
    async def running(cls, kafka: KafkaSettings, folder: Path, *, port: int) -> AsyncIterator["Api"]:
        """Serve for as long as the block lasts."""
        place = Place(folder / "place")
        place.prepare()
        env = kafka_env(kafka) | {
            "WATCHFLOOR_CLICKHOUSE_PATH": str(await prepare_clickhouse(folder)),
            "WATCHFLOOR_API_PORT": str(port),
            "WATCHFLOOR_API_TOKENS": str(place.tokens),
            "WATCHFLOOR_KEYS": str(place.keys),
        }
        async with Child.running(["watchfloor", "api", "--policy", str(POLICY)], env, folder / "api.log") as child:
            api = cls(child, port, place.token.read_text("utf-8").strip())
            await api._until_ready()
            yield api

    async def _until_ready(self) -> None:
        deadline = perf_counter() + _PATIENCE
        while perf_counter() < deadline:
            self.child.check()
            try:
                async with Connection.open(self.port) as connection:
                    if (await connection.ask(get("/readyz", self.token))).status == 200:
                        return
            except OSError:
                pass
            await asyncio.sleep(0.1)
        raise TooSlow("the API is ready", _PATIENCE)


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
