"""How a process that lives long runs: on the quickest event loop, collecting garbage seldom, until
it is told to stop."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from uvicorn.loops.auto import auto_loop_factory

T = TypeVar("T")
SIGNALS = (signal.SIGTERM, signal.SIGINT)

YOUNG = 200_000
"""Objects that are made before the collector looks at the young ones. A batch of the scheduler
makes hundreds of thousands, none of them in a cycle: looking at them costs a fifth of its time."""


def live(main: Coroutine[Any, Any, T]) -> T:
    """Run until `main` ends."""
    gc.collect()
    # What was imported stays; there is no need to look at it again and again.
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(main)


@contextmanager
def on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at every signal that asks the process to end."""
    loop = asyncio.get_running_loop()
    for one in SIGNALS:
        loop.add_signal_handler(one, stop)
    try:
        yield
    finally:
        for one in SIGNALS:
            loop.remove_signal_handler(one)
