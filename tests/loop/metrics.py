"""Reads what a process tells Prometheus."""

import re
import socket

import httpx

_LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def metric(port: int, name: str) -> dict[str, float]:
    """Labels, as they are written, → value; empty while nobody answers."""
    async with httpx.AsyncClient() as client:
        try:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        except httpx.TransportError:
            return {}
    return {labels: float(value) for found, labels, value in _LINE.findall(text) if found == name}
