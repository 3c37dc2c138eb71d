"""How the parts grow: latency, lookups, memory, restart, rollups; throughput beside others is `python -m bench`."""
