"""Runs the API inside an event loop that somebody else owns, until told to stop; it handles no signal."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn

from api.app import create_app
from api.deps import ApiDeps
from api.settings import ApiSettings


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


async def serve(
    deps: ApiDeps, settings: ApiSettings, stop: asyncio.Event, *, ready: Callable[[str], None] | None = None
) -> None:
    """Serve until `stop` is set; then end the streams, give open requests `settings.drain` to finish, and return.

    `ready` is called with the URL when requests are taken. Raises OSError when the port cannot be opened.
    """
    listener = _listen(settings)
    url = _url(settings, listener)
    server = _Server(_config(deps, settings), lambda: ready(url) if ready else None)
    running = asyncio.create_task(server.serve([listener]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        deps.close_streams()
        server.should_exit = True
        stopping.cancel()
        await running
        listener.close()


def _config(deps: ApiDeps, settings: ApiSettings) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(deps),
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=max(1, round(settings.drain.total_seconds())),
    )


def _listen(settings: ApiSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    # Inherited by what it accepts. The event loop sets it only on sockets that name their protocol, which this one does
    # not; without it, answers on kept connections wait 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(settings: ApiSettings, listener: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.tls_certificate else 'http'}://{host}:{listener.getsockname()[1]}"
