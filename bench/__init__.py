"""The benchmark: what the processes reach on this machine; it tests nothing and no limit here fails a build."""
