"""Delivery of incidents to receivers."""
