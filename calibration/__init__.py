"""Calibration: the detectors and the methods that others use, on the same simulated data, against what is stated."""
