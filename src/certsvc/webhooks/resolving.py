"""Asks for the addresses of a name, so that a name server that hangs holds up nobody else.

The system's resolver blocks a thread, and cannot be cut off. The event loop has a handful of
threads for it: a few names whose servers never answer would stop every other one. So each name has
at most one thread, whoever asks for it, and there are many.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

LOOKUPS_AT_ONCE = 64

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a name and a port to all addresses; raises OSError if there are none."""


class Names:
    """The system's resolver, as a `Resolve`."""

    def __init__(self, ask: Callable[[str, int], Sequence[str]] | None = None) -> None:
        self._ask = _ask if ask is None else ask
        self._under_way: dict[tuple[str, int], asyncio.Task[Sequence[str]]] = {}
        self._places = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def __call__(self, name: str, port: int) -> Sequence[str]:
        asked = (name, port)
        task = self._under_way.get(asked)
        if task is None:
            task = asyncio.create_task(self._look_up(name, port))
            self._under_way[asked] = task
            task.add_done_callback(lambda _: self._under_way.pop(asked, None))
        return await asyncio.shield(task)

    async def _look_up(self, name: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        async with self._places:
            answer: asyncio.Future[Sequence[str]] = loop.create_future()

            def settle(addresses: Sequence[str] | OSError) -> None:
                if answer.done():
                    return
                if isinstance(addresses, OSError):
                    answer.set_exception(addresses)
                else:
                    answer.set_result(addresses)

            def ask() -> None:
                addresses: Sequence[str] | OSError
                try:
                    addresses = self._ask(name, port)
                except (OSError, UnicodeError) as error:
                    addresses = OSError(str(error))
                with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(settle, addresses)

            # A daemon, so that the process can end while a name server says nothing.
            threading.Thread(target=ask, name="certsvc-names", daemon=True).start()
            return await answer


def _ask(name: str, port: int) -> list[str]:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
