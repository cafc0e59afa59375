"""The page about webhooks tells what the code does, and its receiver runs."""

from datetime import timedelta
from itertools import accumulate
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from certsvc import clock
from certsvc.api.schemas.webhook_delivery import ERRORS, STATES
from certsvc.settings import RETRIES, Settings
from certsvc.store.webhook_tables import DisabledReason
from certsvc.usecases.webhooks.asking import PING
from certsvc.usecases.webhooks.endpoints import MOST_ENDPOINTS, MOST_SECRETS
from certsvc.usecases.webhooks.settling import SEVERAL
from certsvc.webhooks.addresses import LONGEST_URL, Refusal
from certsvc.webhooks.http import KEPT_SECONDS, LIVED_SECONDS
from certsvc.webhooks.schedule import LONGEST_ASKED, OVERLOADED, PENALTY, SPREAD
from certsvc.webhooks.signing import headers_of, new_secret
from tests.support.delivering import GUIDE, snippet

PAGE = GUIDE.read_text()
NUMBERS = {5: "five", 100: "100"}
DEFAULTS = Settings(_env_file=None)
EARLIER_REFUSED = {Refusal.TOO_LONG}
"""The contract's own limit comes before it."""


def in_words(time: timedelta) -> str:
    """As the table has it: 2 h 35 min 5 s."""
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = {"h": hours, "min": minutes, "s": seconds}
    return " ".join(f"{number} {unit}" for unit, number in parts.items() if number)


def test_the_schedule_is_that_of_the_settings() -> None:
    passed = accumulate(RETRIES)
    rows = [
        f"| {number} | {in_words(pause)} | {in_words(time)} |"
        for number, (pause, time) in enumerate(zip(RETRIES, passed, strict=True), start=2)
    ]
    assert "\n".join(["|---|---|---|", *rows, "", "Each pause"]) in PAGE
    assert DEFAULTS.webhook_retries == RETRIES


def test_the_numbers_are_those_of_the_code() -> None:
    for sentence in (
        f"up to {SPREAD:.0%} shorter or longer".replace("%", " %"),
        f"A tenant has {NUMBERS[MOST_ENDPOINTS]} endpoints at most",
        f"An endpoint has {NUMBERS[MOST_SECRETS]} secrets at most",
        f"{NUMBERS[SEVERAL]} attempts in a row have failed",
        f"for {NUMBERS[DEFAULTS.webhook_disable_after_days]} days"
        " (`CERTSVC_WEBHOOK_DISABLE_AFTER_DAYS`)",
        f"within {DEFAULTS.webhook_deadline_seconds:.0f} seconds",
        f"({DEFAULTS.webhook_in_flight} to an endpoint from each process",
        f"the first {DEFAULTS.webhook_response_bytes:,} bytes",
        f"deleted {DEFAULTS.webhook_keep_days} days after they were made",
        f"longer than {LONGEST_URL:,} characters",
        f"{KEPT_SECONDS:.0f} seconds when idle and {NUMBERS[int(LIVED_SECONDS / 60)]} minutes",
        "after {}, {} and {} a minute is added".format(*sorted(OVERLOADED)),
    ):
        assert sentence in PAGE, sentence
    assert (timedelta(minutes=1), timedelta(days=1)) == (PENALTY, LONGEST_ASKED)


def test_every_word_of_the_answers_is_told() -> None:
    for error in ERRORS:
        assert f"| `{error}` | " in PAGE
    for code in Refusal:
        assert (f"| `{code}` | " in PAGE) is (code not in EARLIER_REFUSED), code
    words = [*STATES, DisabledReason.GONE, DisabledReason.FAILING, PING]
    assert [word for word in words if f"`{word}`" not in PAGE] == []


def test_every_setting_is_told() -> None:
    names = [name for name in Settings.model_fields if name.startswith("webhook_")]
    assert [name for name in names if f"CERTSVC_{name.upper()}" not in PAGE] == []


def signed(secrets: tuple[str, ...], body: bytes, ago: timedelta = timedelta()) -> dict[str, str]:
    """The headers of a message that was sent so long ago."""
    headers = headers_of("e-1", clock.now() - ago, body, secrets)
    return {name.decode(): value.decode() for name, value in headers}


def message(id: str, sequence: int | None, enrollment_id: str | None = "a") -> bytes:
    """What tells of one event."""
    of = "null" if enrollment_id is None else f'"{enrollment_id}"'
    number = "null" if sequence is None else sequence
    return f'{{"data":{{"id":"{id}","enrollment_id":{of},"sequence":{number}}}}}'.encode()


@pytest.fixture
def guide() -> dict[str, Any]:
    """The receiver of the page."""
    return snippet()


def test_the_receiver_of_the_page_keeps_the_newest_of_each_enrollment(
    guide: dict[str, Any],
) -> None:
    secret = new_secret()
    for body in (
        message("e-1", 1),
        message("e-3", 3),
        message("e-2", 2),
        message("e-3", 3),
        message("e-4", 1, "b"),
        message("e-5", None, None),
        b'{"data":{"id":"e-6"}}',
    ):
        guide["receive"](signed((secret,), body), body, secret)
    assert {id: event["id"] for id, event in guide["latest"].items()} == {"a": "e-3", "b": "e-4"}
    assert guide["heard"] == {f"e-{number}" for number in range(1, 7)}


def test_the_receiver_of_the_page_takes_any_secret_that_signed(guide: dict[str, Any]) -> None:
    old, new, body = new_secret(), new_secret(), message("e-1", 1)
    for secret in (old, new):
        guide["receive"](signed((new, old), body), body, secret)
    assert guide["heard"] == {"e-1"}


def test_the_receiver_of_the_page_takes_nothing_else(guide: dict[str, Any]) -> None:
    secret, body = new_secret(), message("e-1", 1)
    good = signed((secret,), body)
    for headers, given in (
        (signed((new_secret(),), body), body),
        (signed((secret,), body, timedelta(minutes=6)), body),
        (signed((secret,), body, timedelta(minutes=-6)), body),
        (good, body + b" "),
        (good | {"webhook-id": "e-2"}, body),
        ({name: good[name] for name in list(good)[1:]}, body),
    ):
        with pytest.raises(WebhookVerificationError):
            guide["receive"](headers, given, secret)
    assert guide["heard"] == set()
