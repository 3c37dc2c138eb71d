"""Labelled synthetic traffic in provider wire formats, and the score of what was found in it."""
