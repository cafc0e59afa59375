"""Certificates earned on a date, and their dates as a person would write them."""

from typing import Any

from certsvc.domain.actions import Action
from certsvc.domain.describe import describe_certificate
from tests.support.builders import Life, certified, yearly
from tests.support.programmes import utc

ANNIVERSARY: dict[str, Any] = {"anchor": "previous_expiry"}
OWN_SCHEDULE: dict[str, Any] = {"anchor": "fixed_date"}
BERLIN: dict[str, Any] = {"time_zone": "Europe/Berlin"}


def dated(at: str, period: str = "P1Y", **policy: Any) -> Life:
    """Enrolled and certified at the instant, under this policy."""
    validity = {"period": period} | policy.pop("validity", {})
    return certified(yearly(validity=validity, **policy), utc(at))


def worked(certification_policy: dict[str, Any], enrolled: str, completed: str) -> Life:
    """Enrolled on one day, certified on another."""
    life = Life(yearly(**certification_policy), utc(enrolled)).enroll().at(completed)
    return life.record(life.course())


def renewed(life: Life, opened: str, completed: str, **takes: Any) -> Life:
    """Recertified by hand: opened at one instant, completed at another."""
    life.at(opened).act(Action.RECERTIFY, **takes)
    life.at(completed)
    return life.record(life.course())


def through(life: Life) -> str:
    """The last valid day that the certificate shows."""
    return str(describe_certificate(life.certificate, life.c, life.now)["valid_through"])


def expires(life: Life) -> str:
    assert life.certificate.expires_at is not None
    return f"{life.certificate.expires_at:%Y-%m-%dT%H:%M}"


def window(life: Life) -> str:
    assert life.certificate.window_at is not None
    return f"{life.certificate.window_at:%Y-%m-%dT%H:%M}"


def lapses(life: Life) -> str:
    assert life.certificate.lapses_at is not None
    return f"{life.certificate.lapses_at:%Y-%m-%dT%H:%M}"
