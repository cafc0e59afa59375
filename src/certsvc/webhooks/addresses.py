"""Where a webhook may go: the form of its URL, and the addresses that may be connected to.

The form is checked when an endpoint is made; a name's addresses at every connection, because a name
may change its mind. What is parsed here is what is connected to: nothing parses the URL again.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network

from certsvc.settings import Settings
from certsvc.webhooks.ranges import IPAddress, IPNetwork, is_public, plainly

LONGEST_URL = 2048
ORDINARY_PORTS = frozenset({443, 8443})
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:(?P<userinfo>[^/?#@]*)@)?"
    r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>(?:/(?:[a-z0-9._~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?"
    r"(?:\?(?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?)",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Refusal(StrEnum):
    """Why a URL cannot be an endpoint's. Codes are stable."""

    TOO_LONG = "url_too_long"
    MALFORMED = "url_malformed"
    HAS_USERINFO = "url_has_userinfo"
    NEEDS_HTTPS = "url_needs_https"
    PORT = "url_port_refused"
    ADDRESS = "url_address_refused"


SENTENCES = {
    Refusal.TOO_LONG: f"The URL is longer than {LONGEST_URL} characters.",
    Refusal.MALFORMED: "This is no URL of ASCII characters with a host name or an address: write "
    "other characters of the path as %XX and those of the name as xn--, without a fragment.",
    Refusal.HAS_USERINFO: "A user name or password in the URL is not sent; leave it out.",
    Refusal.NEEDS_HTTPS: "The URL must begin with https://.",
    Refusal.PORT: "The port must be 443 or 8443.",
    Refusal.ADDRESS: "The host is not a public one.",
}
"""For people; what is true for every code alone, so that it tells nothing about a network."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is allowed beyond https to public addresses at an ordinary port."""

    networks: tuple[IPNetwork, ...] = ()
    plain: bool = False  # http:// to the networks


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart once and for all."""

    tls: bool
    host: str  # in small letters, without brackets
    port: int
    path: str
    address: IPAddress | None  # if the host is one, and no name

    @property
    def origin(self) -> tuple[bool, str, int]:
        return self.tls, self.host, self.port

    @property
    def authority(self) -> str:
        """As the header `host` says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def ordinary(self) -> bool:
        return self.tls and self.port in ORDINARY_PORTS


def allowance_of(settings: Settings) -> Allowance:
    """What the operator allows."""
    local = LOOPBACK if settings.webhook_local else ()
    return Allowance((*settings.webhook_allow, *local), plain=settings.webhook_local)


def refusal_of(url: str, allowance: Allowance) -> str | None:
    """Why a URL cannot be an endpoint's, as a stable code; None if it can. Resolves nothing."""
    target = target_of(url, allowance)
    return target if isinstance(target, Refusal) else None


def target_of(url: str, allowance: Allowance) -> Target | Refusal:
    """Take a URL apart, or say why it is refused."""
    if len(url) > LONGEST_URL:
        return Refusal.TOO_LONG
    said = _URL.fullmatch(url)
    if said is None:
        return Refusal.MALFORMED
    if said["userinfo"] is not None:
        return Refusal.HAS_USERINFO
    tls = said["scheme"].lower() == "https"
    host = (said["six"] or said["name"]).lower()
    port = int(said["port"] or (443 if tls else 80))
    address = _literal(host, six=said["six"] is not None)
    if not 0 < port < 65536 or (address is None and not _is_name(host)):
        return Refusal.MALFORMED
    path = said["target"] if said["target"].startswith("/") else f"/{said['target']}"
    target = Target(tls, host if address is None else str(address), port, path, address)
    return _refused(target, allowance) or target


def may_reach(address: IPAddress, target: Target, allowance: Allowance) -> bool:
    """Whether a target may be reached at an address."""
    plain = plainly(address)
    if not _is_scoped(plain) and any(
        network.version == plain.version and plain in network for network in allowance.networks
    ):
        return target.tls or allowance.plain
    return target.ordinary and is_public(address)


def _refused(target: Target, allowance: Allowance) -> Refusal | None:
    """What can be said without asking for the name."""
    if not target.tls and not allowance.plain:
        return Refusal.NEEDS_HTTPS
    if target.tls and target.port not in ORDINARY_PORTS and not allowance.networks:
        return Refusal.PORT
    if target.address is not None:
        return None if may_reach(target.address, target, allowance) else Refusal.ADDRESS
    inside = "." not in target.host or target.host.endswith(".localhost")
    return Refusal.ADDRESS if inside and not allowance.networks else None


def _literal(host: str, *, six: bool) -> IPAddress | None:
    """The address that a host is: in brackets the sixth version, and four numbers otherwise."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return address if (address.version == 6) is six else None


def _is_name(host: str) -> bool:
    """A name for the DNS. One that ends in a number is an address in disguise (0x7f.1, 127.1)."""
    labels = host.split(".")
    return (
        len(host) <= 253
        and all(_LABEL.fullmatch(label) for label in labels)
        and _NUMBER.fullmatch(labels[-1]) is None
    )


def _is_scoped(address: IPAddress) -> bool:
    return isinstance(address, IPv6Address) and address.scope_id is not None
