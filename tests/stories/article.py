"""A story that walks through an article names the sentence it is at."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(sentence: str) -> Iterator[None]:
    """One sentence of the article, in its own words; a failure inside names it."""
    try:
        yield
    except Exception as failure:
        failure.add_note(f"at the sentence: {sentence}")
        raise
