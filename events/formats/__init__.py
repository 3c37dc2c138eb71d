"""Provider wire formats, read into canonical events."""
