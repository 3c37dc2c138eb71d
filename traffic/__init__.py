"""Labelled traffic: a seeded simulation in Azure's wire format, what it planted, and the score of what was found."""
