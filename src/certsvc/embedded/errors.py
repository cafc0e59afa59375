"""What can go wrong with the embedded PostgreSQL, in words for the person who started it."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be had; the message says why and what to do."""
