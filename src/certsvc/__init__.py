"""certsvc: a headless microservice for the life of a certification."""

__version__ = "0.1.0"
