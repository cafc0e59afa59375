"""The houses of the API's tests, for stories told through it."""

from tests.api.conftest import app, house, neighbour, settings

__all__ = ["app", "house", "neighbour", "settings"]
