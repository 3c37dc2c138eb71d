"""One module per resource; a handler parses, calls one function and returns a schema."""
