"""When a message is sent again: a table, and what holds for every table."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from certsvc.settings import RETRIES, Settings
from certsvc.webhooks.attempt import Attempt, Failure
from certsvc.webhooks.schedule import LONGEST_ASKED, OVERLOADED, PENALTY, SPREAD, next_attempt

SECOND = timedelta(seconds=1)
FAILED = Attempt(status=500, error=Failure.HTTP_ERROR)
JITTER = st.floats(min_value=-1, max_value=1)
PAUSES = st.lists(st.integers(1, 604_800), min_size=1, max_size=50).map(
    lambda seconds: [timedelta(seconds=number) for number in sorted(seconds)]
)
ATTEMPTS = st.builds(
    Attempt,
    status=st.sampled_from([None, 302, 400, 429, 500, 502, 503, 504]),
    error=st.sampled_from([failure for failure in Failure if failure is not Failure.GONE]),
    retry_after=st.none() | st.floats(min_value=0, max_value=1e12),
)


@pytest.mark.parametrize(
    ("number", "hours", "minutes", "seconds"),
    [
        (1, 0, 0, 5),
        (2, 0, 5, 0),
        (3, 0, 30, 0),
        (4, 2, 0, 0),
        (5, 5, 0, 0),
        (6, 10, 0, 0),
        (7, 14, 0, 0),
        (8, 20, 0, 0),
        (9, 24, 0, 0),
    ],
)
def test_the_pauses_are_those_of_the_specification(
    number: int, hours: int, minutes: int, seconds: int
) -> None:
    pause = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert next_attempt(number, FAILED, RETRIES, 0.0) == pause


def test_the_tenth_attempt_after_three_days_is_the_last_one() -> None:
    assert sum(RETRIES, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert next_attempt(10, FAILED, RETRIES, 0.0) is None


def test_after_a_success_nothing_is_sent_again() -> None:
    assert next_attempt(1, Attempt(status=204), RETRIES, 0.0) is None


def test_to_a_receiver_that_is_gone_nothing_is_sent_again() -> None:
    gone = Attempt(status=410, error=Failure.GONE, gone=True)
    assert next_attempt(1, gone, RETRIES, 0.0) is None


@pytest.mark.parametrize("status", sorted(OVERLOADED))
def test_a_receiver_that_has_too_much_to_do_gets_more_time(status: int) -> None:
    attempt = Attempt(status=status, error=Failure.HTTP_ERROR)
    assert next_attempt(1, attempt, RETRIES, 0.0) == 5 * SECOND + PENALTY


def test_a_receiver_may_ask_for_more_time_but_for_no_less() -> None:
    def asking(seconds: float) -> timedelta | None:
        attempt = Attempt(status=503, error=Failure.HTTP_ERROR, retry_after=seconds)
        return next_attempt(2, attempt, RETRIES, 0.0)

    assert asking(1) == timedelta(minutes=5)
    assert asking(600) == timedelta(minutes=10)
    assert asking(1e9) == timedelta(days=1)


@given(st.integers(1, 60), ATTEMPTS, PAUSES, JITTER)
def test_there_are_as_many_attempts_as_pauses_and_one(
    number: int, attempt: Attempt, pauses: list[timedelta], jitter: float
) -> None:
    pause = next_attempt(number, attempt, pauses, jitter)
    assert (pause is None) is (number > len(pauses))


@given(st.data(), ATTEMPTS, PAUSES, JITTER)
def test_a_pause_stays_within_its_bounds(
    data: st.DataObject, attempt: Attempt, pauses: list[timedelta], jitter: float
) -> None:
    number = data.draw(st.integers(1, len(pauses)))
    pause = next_attempt(number, attempt, pauses, jitter)
    assert pause is not None
    least = pauses[number - 1]
    asked = timedelta(seconds=min(attempt.retry_after or 0, 86_400))
    assert pause >= least * (1 - SPREAD) - SECOND
    assert pause >= asked
    assert pause <= max(least + PENALTY, LONGEST_ASKED) * (1 + SPREAD) + SECOND
    if attempt.retry_after is None and attempt.status not in OVERLOADED:
        assert abs(pause - least) <= least * 0.2


@given(st.integers(1, 50), ATTEMPTS, PAUSES, JITTER, JITTER)
def test_chance_alone_orders_what_failed_alike(
    number: int, attempt: Attempt, pauses: list[timedelta], one: float, other: float
) -> None:
    """The same inputs give the same pause, and a receiver that asks for nothing sees them grow."""
    assert next_attempt(number, attempt, pauses, one) == next_attempt(number, attempt, pauses, one)
    early, late = (next_attempt(number, FAILED, pauses, jitter) for jitter in sorted((one, other)))
    assert early is None or late is None or early <= late


@pytest.mark.parametrize(
    ("written", "pauses"),
    [
        ("1s", [1]),
        ("5s, 5m ,2h,1d", [5, 300, 7200, 86_400]),
        ("10s,10s", [10, 10]),
    ],
)
def test_the_pauses_are_a_setting(
    written: str, pauses: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_WEBHOOK_RETRIES", written)
    read = Settings(_env_file=None).webhook_retries
    assert read == tuple(timedelta(seconds=number) for number in pauses)


@pytest.mark.parametrize(
    "written",
    ["5", "s", "5 s", "-5s", "5s;6s", "1.5h", "5m,5s", "0s", "8d", ",", ",".join(["1s"] * 51)],
)
def test_pauses_that_make_no_sense_are_refused(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_WEBHOOK_RETRIES", written)
    with pytest.raises(ValidationError, match="webhook_retries"):
        Settings(_env_file=None)
