"""How the parts grow: latency, lookups, memory, restart, rollup queries; throughput beside others is `python -m bench`."""
