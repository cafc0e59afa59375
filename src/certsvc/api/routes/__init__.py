"""The operations, one file a noun: each parses, calls one use case, maps the outcome."""
