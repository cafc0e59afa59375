"""Opens connections to receivers: to an address that was looked up, checked, and then pinned.

A name is asked for once per connection. If any of its addresses is refused, none is used: whoever
mixes them is trying something. What is connected to is the checked address itself, so it does not
matter whether the name changes its mind; certificate and `host` are still those of the name.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

from certsvc.webhooks.addresses import Allowance, Target, may_reach
from certsvc.webhooks.attempt import Failure
from certsvc.webhooks.ranges import IPAddress
from certsvc.webhooks.resolving import Resolve
from certsvc.webhooks.wire import Wire

Connect = Callable[[str, int], Awaitable[socket.socket]]
"""From an address and a port to a connected socket; raises OSError."""


class Undelivered(Exception):
    """There is no whole answer, and why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class Connector:
    """Opens connections within the allowance."""

    def __init__(
        self,
        allowance: Allowance,
        resolve: Resolve,
        connect: Connect,
        tls: ssl.SSLContext,
        seconds: float,
    ) -> None:
        self._allowance = allowance
        self._resolve = resolve
        self._connect = connect
        self._tls = tls
        self._seconds = seconds

    async def open(self, target: Target) -> Wire:
        """A new connection; the first address that answers, of those that all are allowed."""
        failure = Failure.CONNECTION_FAILED
        for address in await self._addresses(target):
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._open(target, address)
            except TimeoutError:
                failure = Failure.TIMED_OUT
            except ssl.SSLError:
                failure = Failure.TLS_FAILED
            except OSError:
                failure = Failure.CONNECTION_FAILED
        raise Undelivered(failure)

    async def _addresses(self, target: Target) -> list[IPAddress]:
        if target.address is not None:
            found = [target.address]
        else:
            try:
                said = await self._resolve(target.host, target.port)
            except OSError as error:
                raise Undelivered(Failure.NAME_NOT_FOUND) from error
            found = [ip_address(address) for address in said]
            if not found:
                raise Undelivered(Failure.NAME_NOT_FOUND)
        for address in found:
            self._check(address, target)
        return found

    async def _open(self, target: Target, address: IPAddress) -> Wire:
        peer = await self._connect(str(address), target.port)
        try:
            self._check(ip_address(peer.getpeername()[0]), target)
        except BaseException:
            peer.close()
            raise
        secured: dict[str, Any] = {}
        if target.tls:
            secured = {
                "ssl": self._tls,
                "server_hostname": target.host,
                "ssl_handshake_timeout": self._seconds + 1,  # never the one that ends it
                "ssl_shutdown_timeout": 1.0,
            }
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(Wire, sock=peer, **secured)
        return wire

    def _check(self, address: IPAddress, target: Target) -> None:
        if not may_reach(address, target, self._allowance):
            raise Undelivered(Failure.REFUSED_ADDRESS)


async def connect(address: str, port: int) -> socket.socket:
    """Connect to an address; a name is refused, so that nothing is looked up a second time."""
    six = ip_address(address).version == 6
    peer = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
    try:
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(peer, (address, port))
    except BaseException:
        peer.close()
        raise
    return peer
