"""Kafka in, signals out: the Faust app, micro-batches, observers and detectors."""
