"""The HTTP interface: parses, calls one use case, maps the outcome. It decides nothing."""
