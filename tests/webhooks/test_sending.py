"""Sending to real receivers on loopback, the good, the broken and the hostile."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import pytest_asyncio
import trustme
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from certsvc import __version__, clock
from certsvc.settings import Settings
from certsvc.telemetry import REGISTRY
from certsvc.webhooks import http
from certsvc.webhooks.connecting import connect
from certsvc.webhooks.sending import Attempt, Failure, Message, Sender, seconds_of
from certsvc.webhooks.signing import new_secret
from tests.webhooks.receiver import Answer, Heard, Receiver, receiving, says, writes

CAP = 1000
SECRET = new_secret()
BODY = '{"type":"enrollment.created","data":{"name":"Zoë 山田 🎓"}}'.encode()
OK = says("204 No Content")

Make = Callable[..., Sender]


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Sender] = []

    def sender(resolve: object = None, connect_to: object = None, **settings: object) -> Sender:
        usual = {"webhook_local": True, "webhook_deadline_seconds": 0.4}
        usual |= {"webhook_connect_seconds": 0.2, "webhook_response_bytes": CAP}
        more = {"resolve": resolve, "connect_to": connect_to}
        given = {name: value for name, value in more.items() if value is not None}
        made.append(Sender(Settings.model_validate(usual | settings), **given))  # type: ignore[arg-type]
        return made[-1]

    yield sender
    for one in made:
        await one.aclose()


def message(url: str, *secrets: str, body: bytes = BODY, id: str = "evt_1") -> Message:
    return Message(url, id, body, secrets or (SECRET,))


async def attempt_at(make: Make, answer: Answer, **settings: object) -> Attempt:
    async with receiving(answer) as receiver:
        return await make(**settings).send(message(receiver.url()))


async def test_a_message_arrives_signed_and_byte_for_byte(make: Make) -> None:
    old = new_secret()
    async with receiving(says("200 OK", b"thanks")) as receiver:
        url = receiver.url(path="/hook/a%20b?c=d")
        attempt = await make().send(message(url, SECRET, old))
    (heard,) = receiver.heard
    assert attempt == Attempt(status=200, response=b"thanks", duration_ms=attempt.duration_ms)
    assert attempt.succeeded
    assert heard.line == "POST /hook/a%20b?c=d HTTP/1.1"
    assert heard.body == BODY
    for secret in (SECRET, old):
        Webhook(secret).verify(heard.body, heard.headers)
    assert {name: value for name, value in heard.headers.items() if "webhook" not in name} == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": f"certsvc/{__version__}",
        "content-type": "application/json",
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-length": str(len(BODY)),
    }


async def test_a_large_body_arrives_whole(make: Make) -> None:
    body = b"x" * 3_000_000
    async with receiving(OK) as receiver:
        attempt = await make(webhook_deadline_seconds=5).send(message(receiver.url(), body=body))
    assert attempt.succeeded
    assert receiver.heard[0].body == body


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("200 OK", None),
        ("201 Created", None),
        ("202 Accepted", None),
        ("204 No Content", None),
        ("299 Whatever", None),
        ("300 Multiple Choices", Failure.REDIRECT),
        ("304 Not Modified", Failure.REDIRECT),
        ("400 Bad Request", Failure.HTTP_ERROR),
        ("401 Unauthorized", Failure.HTTP_ERROR),
        ("404 Not Found", Failure.HTTP_ERROR),
        ("410 Gone", Failure.GONE),
        ("429 Too Many Requests", Failure.HTTP_ERROR),
        ("500 Internal Server Error", Failure.HTTP_ERROR),
        ("502 Bad Gateway", Failure.HTTP_ERROR),
        ("503 Service Unavailable", Failure.HTTP_ERROR),
        ("504 Gateway Timeout", Failure.HTTP_ERROR),
        ("599 Whatever", Failure.HTTP_ERROR),
    ],
)
async def test_a_success_is_2xx_and_nothing_else(
    status: str, error: Failure | None, make: Make
) -> None:
    attempt = await attempt_at(make, says(status))
    assert (attempt.status, attempt.error) == (int(status[:3]), error)
    assert attempt.succeeded is (error is None)
    assert attempt.gone is (status == "410 Gone")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int, make: Make) -> None:
    async with receiving(OK) as elsewhere:
        answer = says(f"{status} Elsewhere", location=elsewhere.url())
        attempt = await attempt_at(make, answer)
    assert (attempt.status, attempt.error) == (status, Failure.REDIRECT)
    assert elsewhere.heard == []


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120.0), ("0", 0.0), ("99999999999", 86_400.0), ("-1", None), ("soon", None)],
)
async def test_what_retry_after_asks_for_is_noted(
    said: str, seconds: float | None, make: Make
) -> None:
    attempt = await attempt_at(make, says("503 Not Now", Retry_After=said))
    assert attempt.retry_after == seconds


async def test_retry_after_may_be_a_date(make: Make) -> None:
    said = format_datetime(clock.now() + timedelta(minutes=5), usegmt=True)
    attempt = await attempt_at(make, says("429 Too Many Requests", Retry_After=said))
    assert attempt.retry_after == pytest.approx(300, abs=3)


NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (b"Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        (b"Sunday, 01-Mar-26 12:01:00 GMT", 60.0),
        (b"Sun Mar  1 12:01:00 2026", 60.0),
        (b"Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        (b"Fri, 01 Mar 2030 12:00:00 GMT", 86_400.0),
        (b"  30 ", 30.0),
        (b"1.5", None),
        (b"1e9", None),
        ("٣".encode(), None),
        (b"Sun, 99 Mar 2026 12:01:00 GMT", None),
        (b"Sun, 01 Mar 99999 12:01:00 GMT", None),
        (b"", None),
        (b"9" * 65, None),
        (None, None),
    ],
)
def test_every_form_of_retry_after_is_read(said: bytes | None, seconds: float | None) -> None:
    assert seconds_of(said, NOW) == seconds


@given(st.binary(max_size=80) | st.text(max_size=70).map(str.encode))
def test_no_retry_after_breaks_anything(said: bytes) -> None:
    seconds = seconds_of(said, NOW)
    assert seconds is None or 0 <= seconds <= 86_400


HOSTILE: dict[str, tuple[bytes, int | None, Failure | None]] = {
    "closed before a word": (b"", None, Failure.BAD_RESPONSE),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", None, Failure.BAD_RESPONSE),
    "half a status line": (b"HTTP/1.1 20", None, Failure.BAD_RESPONSE),
    "a status that is none": (b"HTTP/1.1 xyz OK\r\n\r\n", None, Failure.BAD_RESPONSE),
    "cut off among the headers": (b"HTTP/1.1 200 OK\r\na: b\r\n", None, Failure.BAD_RESPONSE),
    "cut off in the body": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhalf",
        200,
        Failure.BAD_RESPONSE,
    ),
    "cut off in the body of a failure": (
        b"HTTP/1.1 500 Oh\r\ncontent-length: 500\r\n\r\nhalf",
        500,
        Failure.HTTP_ERROR,
    ),
    "a piece without a length": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        200,
        Failure.BAD_RESPONSE,
    ),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        None,
        Failure.BAD_RESPONSE,
    ),
    "another protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        None,
        Failure.BAD_RESPONSE,
    ),
    "a body until the end": (b"HTTP/1.1 200 OK\r\n\r\nall of it", 200, None),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nold", 200, None),
    "a word before the answer": (
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        204,
        None,
    ),
    "a header of a megabyte": (
        b"HTTP/1.1 200 OK\r\na: " + b"x" * 1_000_000,
        None,
        Failure.BAD_RESPONSE,
    ),
    "headers without number": (
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000 + b"\r\n",
        None,
        Failure.BAD_RESPONSE,
    ),
    "words before the answer without number": (
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000,
        None,
        Failure.BAD_RESPONSE,
    ),
}


@pytest.mark.parametrize(("whole", "status", "error"), HOSTILE.values(), ids=HOSTILE)
async def test_an_answer_that_is_none_harms_nobody(
    whole: bytes, status: int | None, error: Failure | None, make: Make
) -> None:
    attempt = await attempt_at(make, writes(whole, then_close=True), webhook_deadline_seconds=5)
    assert attempt.error == error
    if status is not None:
        assert attempt.status == status


async def test_a_connection_that_is_reset_in_the_body_is_a_failure(make: Make) -> None:
    async def reset(writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(0.05)
        taken = writer.get_extra_info("socket")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    attempt = await attempt_at(make, reset)
    assert (attempt.status, attempt.error) == (200, Failure.BAD_RESPONSE)
    assert attempt.response == b"half"


async def test_an_answer_that_drips_is_cut_at_the_deadline(make: Make) -> None:
    async def drips(writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n")
        for _ in range(500):
            writer.write(b"x")
            await asyncio.sleep(0.05)

    attempt = await attempt_at(make, drips)
    assert (attempt.status, attempt.error) == (200, Failure.TIMED_OUT)
    assert 1 < len(attempt.response) < 20
    assert 350 < attempt.duration_ms < 1500


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\na: "], ids=["at all", "whole headers"])
async def test_a_receiver_that_never_answers_is_cut_at_the_deadline(
    begun: bytes, make: Make
) -> None:
    attempt = await attempt_at(make, writes(begun))
    assert (attempt.status, attempt.error) == (None, Failure.TIMED_OUT)
    assert 350 < attempt.duration_ms < 1500


async def test_a_body_without_end_is_read_up_to_the_cap_and_let_go(make: Make) -> None:
    said = 0

    async def endless(writer: asyncio.StreamWriter, heard: Heard) -> None:
        nonlocal said
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while said < 100_000_000:
            writer.write(b"x" * 100_000)
            await writer.drain()
            said += 100_000

    attempt = await attempt_at(make, endless, webhook_deadline_seconds=5)
    assert (attempt.status, attempt.error) == (200, None), "the answer itself was good"
    assert attempt.response == b"x" * CAP
    assert attempt.duration_ms < 2000
    assert said < 20_000_000, "what the system buffers, and no more"


async def test_a_body_in_tiny_pieces_is_read_up_to_the_cap_too(make: Make) -> None:
    pieces = b"1\r\nx\r\n" * 100_000
    whole = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + pieces
    attempt = await attempt_at(make, writes(whole), webhook_deadline_seconds=5)
    assert (attempt.status, attempt.error) == (200, None)
    assert attempt.response == b"x" * CAP


@pytest.mark.parametrize("length", [0, CAP - 1, CAP, CAP + 1])
async def test_the_cap_is_exact(length: int, make: Make) -> None:
    attempt = await attempt_at(make, says("200 OK", b"x" * length))
    assert attempt.response == b"x" * min(length, CAP)
    assert attempt.succeeded


async def test_a_compressed_body_stays_compressed(make: Make) -> None:
    bomb = gzip.compress(b"\0" * 500_000)
    attempt = await attempt_at(make, says("200 OK", bomb, content_encoding="gzip"))
    assert attempt.response == bomb[:CAP]


async def test_a_receiver_that_is_not_there_is_a_failure(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    attempt = await make().send(message(f"http://127.0.0.1:{port}/"))
    assert (attempt.status, attempt.error) == (None, Failure.CONNECTION_FAILED)


async def test_the_deadline_is_over_the_name_server_as_well(make: Make) -> None:
    async def resolve(name: str, port: int) -> Sequence[str]:
        await asyncio.sleep(10)
        return []

    attempt = await make(resolve).send(message("https://receiver.example/"))
    assert attempt.error is Failure.TIMED_OUT
    assert attempt.duration_ms < 1500


async def test_the_next_address_is_tried_when_one_does_not_answer(make: Make) -> None:
    tried: list[str] = []

    async def resolve(name: str, port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.3", "127.0.0.1"]

    async def connect_to(address: str, port: int) -> socket.socket:
        tried.append(address)
        if address == "127.0.0.2":
            await asyncio.sleep(10)
        if address == "127.0.0.3":
            raise OSError("no route")
        return await connect(address, port)

    async with receiving(OK) as receiver:
        sender = make(resolve, connect_to, webhook_deadline_seconds=2, webhook_connect_seconds=0.1)
        attempt = await sender.send(message(receiver.url("receiver.example")))
    assert attempt.succeeded
    assert tried == ["127.0.0.2", "127.0.0.3", "127.0.0.1"]


async def test_a_connection_is_kept_for_the_next_message(make: Make) -> None:
    sender = make()
    async with receiving(says("200 OK", b"thanks")) as receiver:
        for number in range(20):
            assert (await sender.send(message(receiver.url(), id=f"evt_{number}"))).succeeded
    assert [heard.connection for heard in receiver.heard] == [1] * 20


async def test_messages_at_once_have_connections_of_their_own(make: Make) -> None:
    together = asyncio.Barrier(5)

    async def waits(writer: asyncio.StreamWriter, heard: Heard) -> None:
        await together.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    sender = make()
    async with receiving(waits) as receiver:
        for _ in range(2):
            attempts = await asyncio.gather(
                *(sender.send(message(receiver.url())) for _ in range(5))
            )
            assert all(attempt.succeeded for attempt in attempts)
        assert receiver.connections == 5


@pytest.mark.parametrize("pause", [0, 0.05], ids=["unnoticed", "noticed"])
async def test_a_kept_connection_that_the_receiver_closed_is_no_failure(
    pause: float, make: Make
) -> None:
    sender = make()
    async with receiving(writes(b"HTTP/1.1 204 No Content\r\n\r\n", then_close=True)) as receiver:
        for _ in range(5):
            assert (await sender.send(message(receiver.url()))).succeeded
            await asyncio.sleep(pause)
        assert receiver.connections == 5


async def test_what_a_receiver_says_unasked_answers_no_later_message(make: Make) -> None:
    async def early(writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        if heard.connection == 1:
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 500 Early\r\ncontent-length: 0\r\n\r\n")

    sender = make()
    async with receiving(early) as receiver:
        assert (await sender.send(message(receiver.url()))).status == 204
        await asyncio.sleep(0.1)
        assert (await sender.send(message(receiver.url()))).status == 204
        assert receiver.connections == 2


async def test_a_receiver_that_goes_on_talking_fills_no_memory(make: Make) -> None:
    said = 0
    ended = asyncio.Event()

    async def talks(writer: asyncio.StreamWriter, heard: Heard) -> None:
        nonlocal said
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        try:
            while said < 100_000_000:
                writer.write(b"x" * 100_000)
                await writer.drain()
                said += 100_000
        finally:
            ended.set()

    sender = make()
    async with receiving(talks) as receiver:
        assert (await sender.send(message(receiver.url()))).succeeded
        await asyncio.wait_for(ended.wait(), 5)
    assert said < 20_000_000


async def test_a_message_that_a_kept_connection_lost_is_sent_once_more_with_its_id(
    make: Make,
) -> None:
    async def dies_second(writer: asyncio.StreamWriter, heard: Heard) -> None:
        if heard.headers["webhook-id"] == "evt_2" and heard.connection == 1:
            writer.close()
        else:
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    sender = make()
    async with receiving(dies_second) as receiver:
        for id in ("evt_1", "evt_2"):
            assert (await sender.send(message(receiver.url(), id=id))).succeeded
    assert [(heard.headers["webhook-id"], heard.connection) for heard in receiver.heard] == [
        ("evt_1", 1),
        ("evt_2", 1),
        ("evt_2", 2),
    ]


async def test_a_message_that_a_new_connection_lost_waits_for_its_next_time(make: Make) -> None:
    async with receiving(writes(b"", then_close=True)) as receiver:
        attempt = await make().send(message(receiver.url()))
    assert attempt.error is Failure.BAD_RESPONSE
    assert len(receiver.heard) == 1


async def test_connections_are_let_go_when_they_have_waited_long_enough(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "KEPT_SECONDS", 0.05)
    sender = make()
    async with receiving(OK) as receiver:
        assert (await sender.send(message(receiver.url()))).succeeded
        await asyncio.sleep(0.2)
        assert (await sender.send(message(receiver.url()))).succeeded
        assert receiver.connections == 2


async def test_only_so_many_connections_wait(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "KEPT_AT_MOST", 2)
    sender = make()
    async with receiving(OK) as one, receiving(OK) as two, receiving(OK) as three:
        for receiver in (one, two, three, two, three, one):
            assert (await sender.send(message(receiver.url()))).succeeded
        assert [one.connections, two.connections, three.connections] == [2, 1, 1]


async def test_a_cut_off_sending_leaves_nothing_behind(make: Make) -> None:
    sender = make(webhook_deadline_seconds=10)
    async with receiving(writes(b"")) as receiver:
        sending = asyncio.create_task(sender.send(message(receiver.url())))
        await asyncio.sleep(0.1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert receiver.connections == 1


async def test_a_receiver_that_hangs_slows_no_other(make: Make) -> None:
    sender = make(webhook_deadline_seconds=1)
    async with receiving(writes(b"")) as hanging, receiving(OK) as good:
        waiting = [asyncio.create_task(sender.send(message(hanging.url()))) for _ in range(50)]
        attempts = [await sender.send(message(good.url())) for _ in range(50)]
        assert all(attempt.succeeded for attempt in attempts)
        assert sorted(attempt.duration_ms for attempt in attempts)[25] < 100
        assert {(await task).error for task in waiting} == {Failure.TIMED_OUT}


async def test_every_attempt_is_counted_by_its_result(make: Make) -> None:
    def counted(result: str) -> float:
        return REGISTRY.get_sample_value("certsvc_webhook_attempts_total", {"result": result}) or 0

    before = counted("delivered"), counted("gone")
    await attempt_at(make, OK)
    await attempt_at(make, says("410 Gone"))
    assert (counted("delivered"), counted("gone")) == (before[0] + 1, before[1] + 1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def to_loopback(name: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_over_tls_the_name_is_what_the_certificate_must_say(
    make: Make, authority: trustme.CA, ca_file: Path
) -> None:
    asked: list[str | None] = []
    context = certified(authority, "receiver.example")
    context.sni_callback = lambda _object, name, _context: asked.append(name)
    async with receiving(says("200 OK", b"thanks"), context) as receiver:
        sender = make(to_loopback, webhook_ca_file=ca_file, webhook_deadline_seconds=5)
        for _ in range(3):
            attempt = await sender.send(message(receiver.url("receiver.example", "https")))
            assert (attempt.status, attempt.response) == (200, b"thanks")
        assert asked == ["receiver.example"], "one connection, asked for by its name"
        assert receiver.heard[0].headers["host"] == f"receiver.example:{receiver.port}"
        attempt = await sender.send(message(receiver.url("other.example", "https")))
        assert attempt.error is Failure.TLS_FAILED, "a certificate for another name"
        attempt = await sender.send(message(receiver.url("127.0.0.1", "https")))
        assert attempt.error is Failure.TLS_FAILED, "a certificate for no address"
        strict = make(to_loopback, webhook_deadline_seconds=5)
        attempt = await strict.send(message(receiver.url("receiver.example", "https")))
        assert attempt.error is Failure.TLS_FAILED, "an authority that nobody knows"
    assert len(receiver.heard) == 3


async def test_a_receiver_that_speaks_no_tls_is_a_failure(make: Make) -> None:
    async with receiving(OK) as receiver:
        attempt = await make(webhook_deadline_seconds=5, webhook_connect_seconds=0.3).send(
            message(receiver.url("127.0.0.1", "https"))
        )
    assert attempt.error in (Failure.TLS_FAILED, Failure.CONNECTION_FAILED, Failure.TIMED_OUT)
    assert receiver.heard == []


async def test_a_certificate_that_has_run_out_is_a_failure(
    make: Make, authority: trustme.CA, ca_file: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    past = clock.now() - timedelta(days=1)
    issued = authority.issue_cert("receiver.example", not_before=past, not_after=past)
    issued.configure_cert(context)
    async with receiving(OK, context) as receiver:
        sender = make(to_loopback, webhook_ca_file=ca_file, webhook_deadline_seconds=5)
        attempt = await sender.send(message(receiver.url("receiver.example", "https")))
    assert attempt.error is Failure.TLS_FAILED


async def test_it_sends_as_well_on_the_event_loop_that_serves(
    authority: trustme.CA, ca_file: Path
) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def scenario() -> list[tuple[int | None, Failure | None]]:
        read = Settings(webhook_local=True, webhook_ca_file=ca_file, webhook_deadline_seconds=0.5)
        sender = Sender(read, resolve=to_loopback)
        found: list[tuple[int | None, Failure | None]] = []

        async def send(receiver: Receiver, scheme: str) -> None:
            attempt = await sender.send(message(receiver.url("receiver.example", scheme)))
            found.append((attempt.status, attempt.error))

        context = certified(authority, "receiver.example")
        async with receiving(OK) as plain, receiving(OK, context) as secured:
            async with receiving(writes(b"")) as hanging:
                for _ in range(2):
                    await send(plain, "http")
                    await send(secured, "https")
                await send(hanging, "http")
            assert (plain.connections, secured.connections) == (1, 1)
        await send(plain, "http")
        await sender.aclose()
        return found

    assert await asyncio.to_thread(lambda: uvloop.run(scenario())) == [
        *[(204, None)] * 4,
        (None, Failure.TIMED_OUT),
        (None, Failure.CONNECTION_FAILED),
    ]
