"""Signatures: known vectors, and the specification's own library as the receiver."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from certsvc import clock
from certsvc.webhooks.signing import headers_of, new_secret

AT = datetime(2022, 11, 14, 12, 5, 30, 900_000, tzinfo=UTC)

BODIES = {
    "plain": b'{"type": "enrollment.created"}',
    "unicode": '{"name":"Zoë Łukasz 山田 🎓","note":"\u2028\u0000"}'.encode(),
    "empty data": b'{"type":"ping","timestamp":"2026-01-01T00:00:00Z","data":{}}',
    "nothing at all": b"",
    "dots and new lines": b'{"a":"1.2.3"}\r\n',
}


def headers(id: str, at: datetime, body: bytes, *secrets: str) -> dict[str, str]:
    made = headers_of(id, at, body, secrets)
    return {name.decode(): value.decode() for name, value in made}


def accepts(secret: str, body: bytes, sent: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, sent, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def test_the_vector_that_the_libraries_are_tested_with_comes_out() -> None:
    sent = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1_614_265_330, UTC),
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert sent == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_is_signed_is_id_timestamp_and_the_body_byte_for_byte(body: bytes) -> None:
    secret = new_secret()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.digest(key, b"evt_1.1668427530." + body, hashlib.sha256)
    sent = headers("evt_1", AT, body, secret)
    assert sent["webhook-timestamp"] == "1668427530"
    assert sent["webhook-signature"] == "v1," + base64.b64encode(made).decode()


@given(st.text().map(str.encode))
def test_the_library_accepts_every_body(body: bytes) -> None:
    secret = new_secret()
    assert accepts(secret, body, headers("evt_1", clock.now(), body, secret))


def test_during_a_rotation_the_old_secret_and_the_new_one_are_both_good() -> None:
    old, new, stranger = new_secret(), new_secret(), new_secret()
    body = BODIES["unicode"]
    before = headers("evt_1", clock.now(), body, old)
    during = headers("evt_1", clock.now(), body, new, old)
    after = headers("evt_1", clock.now(), body, new)
    assert [accepts(old, body, sent) for sent in (before, during, after)] == [True, True, False]
    assert [accepts(new, body, sent) for sent in (before, during, after)] == [False, True, True]
    assert not any(accepts(stranger, body, sent) for sent in (before, during, after))
    assert [part.partition(",")[0] for part in during["webhook-signature"].split(" ")] == ["v1"] * 2


def test_ten_thousand_messages_over_a_rotation_each_verify_with_a_secret_that_holds() -> None:
    old, new = new_secret(), new_secret()
    now = clock.now()
    for number in range(10_000):
        held = ((old,), (new, old), (new,))[number * 3 // 10_000]
        body = b'{"number":%d}' % number
        sent = headers(f"evt_{number}", now, body, *held)
        assert accepts(held[0], body, sent)
        assert accepts(held[-1], body, sent)
        assert number < 6667 or not accepts(old, body, sent)


def test_a_changed_body_id_or_time_is_not_accepted() -> None:
    secret, body = new_secret(), BODIES["plain"]
    now = clock.now()
    sent = headers("evt_1", now, body, secret)
    later = str(int((now + timedelta(seconds=1)).timestamp()))
    assert not accepts(secret, body + b" ", sent)
    assert not accepts(secret, body, sent | {"webhook-id": "evt_2"})
    assert not accepts(secret, body, sent | {"webhook-timestamp": later})


def test_an_attempt_long_after_the_first_has_a_timestamp_of_its_own() -> None:
    secret, body = new_secret(), BODIES["plain"]
    first = headers("evt_1", clock.now() - timedelta(days=3), body, secret)
    last = headers("evt_1", clock.now(), body, secret)
    assert not accepts(secret, body, first)
    assert accepts(secret, body, last)


def test_a_secret_is_new_each_time_and_as_long_as_the_specification_asks() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        assert secret.startswith("whsec_")
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_an_id_that_could_be_read_as_something_else_is_not_signed() -> None:
    with pytest.raises(ValueError, match="dots"):
        headers_of("evt_1.2", AT, b"", [new_secret()])


def test_nothing_goes_out_unsigned() -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        headers_of("evt_1", AT, b"", [])
