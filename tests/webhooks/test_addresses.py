"""Where a webhook may go. No test here connects: resolver and connector are made up."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from certsvc.settings import Settings
from certsvc.webhooks.addresses import (
    SENTENCES,
    Allowance,
    Refusal,
    Target,
    allowance_of,
    may_reach,
    refusal_of,
    target_of,
)
from certsvc.webhooks.connecting import connect
from certsvc.webhooks.ranges import SPECIAL, Range, is_public
from certsvc.webhooks.resolving import Names
from certsvc.webhooks.sending import Attempt, Failure, Message, Sender
from certsvc.webhooks.signing import new_secret
from tests.webhooks.hostile import NAMES_OF_NO_RECEIVER, PUBLIC, PUBLIC_SIX, REFUSED_AT_ONCE

NOTHING = Allowance()
OFFICE = Allowance((ip_network("10.1.0.0/16"), ip_network("fd00:1::/64")))


class Made:
    """A resolver that answers as told, one answer after the other, and a connector that notes."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.connected: list[tuple[str, int]] = []

    async def resolve(self, name: str, _port: int) -> Sequence[str]:
        self.asked.append(name)
        return self.answers[(len(self.asked) - 1) % len(self.answers)] if self.answers else []

    async def connect(self, address: str, port: int) -> socket.socket:
        self.connected.append((address, port))
        raise ConnectionRefusedError

    async def send(self, url: str, **settings: object) -> Attempt:
        read = Settings.model_validate({"webhook_connect_seconds": 1, **settings})
        sender = Sender(read, resolve=self.resolve, connect_to=self.connect)
        attempt = await sender.send(Message(url, "evt_1", b"{}", (new_secret(),)))
        await sender.aclose()
        return attempt


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(REFUSED_AT_ONCE) + len(NAMES_OF_NO_RECEIVER) >= 120


@pytest.mark.parametrize(("url", "code"), REFUSED_AT_ONCE.items())
def test_an_endpoint_with_such_a_url_is_not_made(url: str, code: str) -> None:
    assert refusal_of(url, NOTHING) == code


@pytest.mark.parametrize("url", REFUSED_AT_ONCE)
async def test_if_there_is_one_nothing_is_asked_and_nothing_connected(url: str) -> None:
    made = Made([PUBLIC])
    attempt = await made.send(url)
    assert attempt.error is Failure.REFUSED_ADDRESS
    assert (made.asked, made.connected) == ([], [])


@pytest.mark.parametrize("addresses", NAMES_OF_NO_RECEIVER.values(), ids=NAMES_OF_NO_RECEIVER)
async def test_a_name_with_any_forbidden_address_is_not_connected_to(
    addresses: Sequence[str],
) -> None:
    made = Made(addresses)
    attempt = await made.send("https://receiver.example/")
    assert attempt == Attempt(error=Failure.REFUSED_ADDRESS, duration_ms=attempt.duration_ms)
    assert (made.asked, made.connected) == (["receiver.example"], [])


@pytest.mark.parametrize(
    ("url", "name", "port"),
    [
        ("https://receiver.example", "receiver.example", 443),
        ("https://Receiver.EXAMPLE:8443/a?b=c%20d", "receiver.example", 8443),
        ("https://xn--bcher-kva.example/hook", "xn--bcher-kva.example", 443),
        ("https://my_service.internal.example/", "my_service.internal.example", 443),
    ],
)
async def test_a_public_receiver_is_connected_to_by_its_address(
    url: str, name: str, port: int
) -> None:
    assert refusal_of(url, NOTHING) is None
    made = Made([PUBLIC, PUBLIC_SIX])
    attempt = await made.send(url)
    assert attempt.error is Failure.CONNECTION_FAILED
    assert made.asked == [name]
    assert made.connected == [(PUBLIC, port), (PUBLIC_SIX, port)]


@pytest.mark.parametrize(
    ("host", "address"),
    [(PUBLIC, PUBLIC), (f"[{PUBLIC_SIX}]", PUBLIC_SIX), ("[64:ff9b::101:101]", "64:ff9b::101:101")],
)
async def test_a_public_address_in_the_url_needs_no_resolver(host: str, address: str) -> None:
    made = Made()
    await made.send(f"https://{host}/")
    assert (made.asked, made.connected) == ([], [(address, 443)])


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """What was checked is what is connected to; the name is asked once per connection."""
    made = Made([PUBLIC], ["127.0.0.1"])
    errors = [(await made.send("https://receiver.example/")).error for _ in range(6)]
    assert errors == [Failure.CONNECTION_FAILED, Failure.REFUSED_ADDRESS] * 3
    assert made.connected == [(PUBLIC, 443)] * 3
    assert len(made.asked) == 6


async def test_where_a_connection_really_ended_up_is_checked_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Made([PUBLIC])

        async def astray(address: str, port: int) -> socket.socket:
            made.connected.append((address, port))
            return await connect(*listening.getsockname())

        sender = Sender(Settings(), resolve=made.resolve, connect_to=astray)
        message = Message("https://receiver.example/", "evt_1", b"{}", (new_secret(),))
        attempt = await sender.send(message)
        assert attempt.error is Failure.REFUSED_ADDRESS
        assert made.connected == [(PUBLIC, 443)]
        taken, _ = listening.accept()
        with taken:
            assert taken.recv(1) == b"", "closed before the first byte"


async def test_the_connector_takes_no_names() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        await connect("localhost", 1)


async def test_a_name_without_addresses_is_not_found() -> None:
    assert (await Made([]).send("https://receiver.example/")).error is Failure.NAME_NOT_FOUND


@pytest.mark.parametrize(
    ("url", "addresses", "connected"),
    [
        ("https://lms.example/", ["10.1.2.3"], [("10.1.2.3", 443)]),
        ("https://lms.example:9443/", ["10.1.2.3"], [("10.1.2.3", 9443)]),
        ("https://lms/", ["10.1.2.3"], [("10.1.2.3", 443)]),
        ("https://lms.example/", ["::ffff:10.1.2.3"], [("::ffff:10.1.2.3", 443)]),
        ("https://lms.example/", ["fd00:1::5"], [("fd00:1::5", 443)]),
        ("https://lms.example/", ["10.2.0.1"], []),
        ("https://lms.example/", ["10.1.2.3", "10.2.0.1"], []),
        ("https://lms.example/", ["fd00:2::5"], []),
        ("https://lms.example/", ["127.0.0.1"], []),
        ("https://lms.example/", ["64:ff9b::10.1.2.3"], []),
        ("https://lms.example:9443/", [PUBLIC], []),
        ("https://lms.example/", [PUBLIC], [(PUBLIC, 443)]),
        ("http://lms.example/", ["10.1.2.3"], []),
    ],
)
async def test_what_the_operator_allows_is_reached_and_nothing_beside_it(
    url: str, addresses: Sequence[str], connected: list[tuple[str, int]]
) -> None:
    made = Made(addresses)
    await made.send(url, webhook_allow="10.1.0.0/16, fd00:1::/64")
    assert [(ip_address(address), port) for address, port in made.connected] == [
        (ip_address(address), port) for address, port in connected
    ]


@pytest.mark.parametrize(
    ("url", "addresses", "connected"),
    [
        ("http://localhost:9000/hook", ["127.0.0.1"], [("127.0.0.1", 9000)]),
        ("http://127.0.0.1:9000/hook", [], [("127.0.0.1", 9000)]),
        ("https://[::1]:9000/hook", [], [("::1", 9000)]),
        ("http://receiver.example/", [PUBLIC], []),
        ("https://receiver.example:9000/", [PUBLIC], []),
        ("https://receiver.example/", [PUBLIC], [(PUBLIC, 443)]),
        ("http://receiver.example/", ["127.0.0.1", PUBLIC], []),
        ("http://10.0.0.1/", [], []),
        ("http://169.254.169.254/latest/meta-data/", [], []),
        ("http://2130706433/", [], []),
    ],
)
async def test_local_development_reaches_this_machine_and_no_other(
    url: str, addresses: Sequence[str], connected: list[tuple[str, int]]
) -> None:
    made = Made(addresses)
    await made.send(url, webhook_local=True)
    assert made.connected == connected


def test_the_allowance_is_a_setting() -> None:
    read = Settings.model_validate({"webhook_allow": "10.1.0.0/16,fd00:1::/64"})
    assert allowance_of(read) == OFFICE
    assert allowance_of(Settings()) == NOTHING
    local = allowance_of(Settings(webhook_local=True))
    assert local == Allowance((ip_network("127.0.0.0/8"), ip_network("::1/128")), plain=True)


@pytest.mark.parametrize("written", ["10.1.0.0/33", "lms.example", "10.1.2.3/16"])
def test_networks_that_are_none_are_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="webhook_allow"):
        Settings.model_validate({"webhook_allow": written})


def test_every_refusal_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Refusal)


@pytest.mark.parametrize("row", SPECIAL, ids=lambda row: str(row.network))
def test_no_address_of_a_special_range_is_public(row: Range) -> None:
    network = row.network
    for address in (network[0], network[network.num_addresses // 2], network[-1]):
        assert not is_public(address)
    assert row.what
    assert row.source


def test_the_neighbours_of_the_special_ranges_are_public() -> None:
    for address in (
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
        "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "2001:200::", "2001:4860::8888", "2003::", "2606:4700::1111", "2a00::1", "64:ff9b::808:808",
        "::ffff:8.8.8.8",
    ):  # fmt: skip
        assert is_public(ip_address(address)), address


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_makes_it_no_more_public(address: object) -> None:
    four = ip_address(str(address))
    for prefix in ("::ffff:", "64:ff9b::"):
        assert is_public(ip_address(f"{prefix}{four}")) is is_public(four)
    for prefix in ("::", "64:ff9b:1::", "fe80::5efe:", "2606:4700::5efe:"):
        assert not is_public(ip_address(f"{prefix}{four}"))


@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_knows_as_special(address: object) -> None:
    known = ip_address(str(address))
    wrapped = ("::ffff:0:0/96", "64:ff9b::/96")  # judged by what is inside
    if any(known in ip_network(network) for network in wrapped):
        return
    if known.is_private or known.is_multicast or known.is_reserved or known.is_link_local:
        assert not is_public(known)


@given(st.text(max_size=60) | st.from_regex(r"https?://[\x20-\x7e]{1,40}", fullmatch=True))
def test_a_url_is_taken_apart_or_refused_and_never_breaks_anything(url: str) -> None:
    target = target_of(url, NOTHING)
    if isinstance(target, Target):
        assert target.tls
        assert target.host.isascii()
        assert all(33 <= ord(letter) < 127 for letter in target.host + target.path)
        assert target.path.startswith("/")
        assert target.address is None or may_reach(target.address, target, NOTHING)


async def test_a_name_server_that_hangs_holds_up_its_own_name_only() -> None:
    answered = threading.Event()
    asked: list[str] = []

    def ask(name: str, port: int) -> list[str]:
        asked.append(name)
        if name == "slow.example":
            answered.wait(10)
        return [PUBLIC]

    names = Names(ask)
    waiting = [asyncio.create_task(names("slow.example", 443)) for _ in range(200)]
    await asyncio.sleep(0)
    for number in range(20):
        assert await names(f"{number}.example", 443) == [PUBLIC]
    for task in waiting[:100]:
        task.cancel()
    answered.set()
    assert await asyncio.gather(*waiting[100:]) == [[PUBLIC]] * 100
    assert asked.count("slow.example") == 1, "one thread for a name, whoever waits for it"


async def test_a_name_that_is_unknown_is_said_to_everybody_who_asked() -> None:
    def ask(name: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    names = Names(ask)
    for _ in range(2):
        found = await asyncio.gather(
            *(names("none.example", 443) for _ in range(3)), return_exceptions=True
        )
        assert all(isinstance(error, OSError) for error in found)


async def test_the_system_knows_this_machine() -> None:
    assert set(await Names()("localhost", 80)) <= {"127.0.0.1", "::1"}
