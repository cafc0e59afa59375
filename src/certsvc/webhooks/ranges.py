"""The addresses that are no public receiver's: every special range, and where it is registered.

The standard library's `is_global` is of no use here: what it knows hangs on the patch release of
Python, and it takes multicast and addresses that hold a private one inside for global.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

V4_SPECIAL = "IANA IPv4 Special-Purpose Address Registry"
V4_SPACE = "IANA IPv4 Address Space Registry"
V6_SPECIAL = "IANA IPv6 Special-Purpose Address Registry"
V6_SPACE = "IANA IPv6 Address Space Registry"


@dataclass(frozen=True, slots=True)
class Range:
    """A range that no webhook is sent to."""

    network: IPNetwork
    what: str
    source: str


def _range(network: str, what: str, source: str) -> Range:
    return Range(ip_network(network), what, source)


SPECIAL = (
    _range("0.0.0.0/8", "this network, this host", f"{V4_SPECIAL}, RFC 791"),
    _range("10.0.0.0/8", "private use", f"{V4_SPECIAL}, RFC 1918"),
    _range("100.64.0.0/10", "shared address space of carriers", f"{V4_SPECIAL}, RFC 6598"),
    _range("127.0.0.0/8", "loopback", f"{V4_SPECIAL}, RFC 1122"),
    _range("169.254.0.0/16", "link local, clouds' metadata", f"{V4_SPECIAL}, RFC 3927"),
    _range("172.16.0.0/12", "private use", f"{V4_SPECIAL}, RFC 1918"),
    _range("192.0.0.0/24", "IETF protocol assignments", f"{V4_SPECIAL}, RFC 6890"),
    _range("192.0.2.0/24", "documentation", f"{V4_SPECIAL}, RFC 5737"),
    _range("192.31.196.0/24", "AS112, a sink", f"{V4_SPECIAL}, RFC 7535"),
    _range("192.52.193.0/24", "AMT relays", f"{V4_SPECIAL}, RFC 7450"),
    _range("192.88.99.0/24", "6to4 relays", f"{V4_SPECIAL}, RFC 7526"),
    _range("192.168.0.0/16", "private use", f"{V4_SPECIAL}, RFC 1918"),
    _range("192.175.48.0/24", "AS112, a sink", f"{V4_SPECIAL}, RFC 7534"),
    _range("198.18.0.0/15", "benchmarks", f"{V4_SPECIAL}, RFC 2544"),
    _range("198.51.100.0/24", "documentation", f"{V4_SPECIAL}, RFC 5737"),
    _range("203.0.113.0/24", "documentation", f"{V4_SPECIAL}, RFC 5737"),
    _range("224.0.0.0/4", "multicast", f"{V4_SPACE}, RFC 5771"),
    _range("240.0.0.0/4", "reserved, and the broadcast address", f"{V4_SPECIAL}, RFC 1112"),
    # Public by its number; answers only a machine of that cloud, as its host's own agent.
    _range("168.63.129.16/32", "the host of a virtual machine", "Microsoft Azure documentation"),
    # Of IPv6 only 2000::/3 is allotted for global unicast. What lies below it is first:
    _range("::/3", "unspecified, loopback, compatible, NAT64, discard", f"{V6_SPACE}, RFC 4291"),
    _range("2001::/23", "IETF protocol assignments, Teredo, ORCHID", f"{V6_SPECIAL}, RFC 2928"),
    _range("2001:db8::/32", "documentation", f"{V6_SPECIAL}, RFC 3849"),
    _range("2002::/16", "6to4, an IPv4 address inside", f"{V6_SPECIAL}, RFC 3056"),
    _range("2620:4f:8000::/48", "AS112, a sink", f"{V6_SPECIAL}, RFC 7534"),
    _range("3ffe::/16", "the former 6bone", f"{V6_SPACE}, RFC 3701"),
    _range("3fff::/20", "documentation", f"{V6_SPECIAL}, RFC 9637"),
    # And what lies above it:
    _range("4000::/2", "not allotted, and identifiers of segment routing", f"{V6_SPACE}, RFC 9602"),
    _range("8000::/1", "not allotted, unique and link local, multicast", f"{V6_SPACE}, RFC 4193"),
)
TRANSLATED = _range("64:ff9b::/96", "NAT64, the well-known prefix", f"{V6_SPECIAL}, RFC 6052")
"""Where a network has no IPv4, every receiver that has nothing else is reached through it."""

_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def plainly(address: IPAddress) -> IPAddress:
    """An IPv4 address that was written as IPv6 (::ffff:1.2.3.4) is the IPv4 address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: IPAddress) -> bool:
    """Whether an address is a public unicast one, whatever it is wrapped in."""
    address = plainly(address)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address in TRANSLATED.network:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:  # RFC 5214: an IPv4 address inside
            return False
    return not any(
        row.network.version == address.version and address in row.network for row in SPECIAL
    )
