"""Detectors: frozen config, plain state, one pure step each."""
