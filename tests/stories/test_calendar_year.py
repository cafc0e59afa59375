"""A year in the calendars of a learner and of whoever runs the programme: both subscribed once, and
see each day what is still to come. The sandbox starts on Monday, 5 January 2026, 09:00 UTC.
"""

from typing import Any
from urllib.parse import urlsplit

import pytest
from icalendar import Calendar

from tests.api.client import Client, Json
from tests.api.world import House, at, course
from tests.support.programmes import definition

DOCUMENT = definition(
    due={"after": "P14D"},
    validity={"period": "P1Y", "anchor": "previous_expiry"},
    time_zone="Europe/Berlin",
)


async def subscribed(house: House, **subject: str) -> str:
    """Make a calendar; where it is to be read."""
    made = await house.lms.post("/v1/calendars", subject, expect=201)
    return str(urlsplit(made["url"]).path)


async def read(anybody: Client, path: str) -> dict[str, str]:
    """What stands in it, with the days, as a calendar program reads it."""
    response = await anybody.send("GET", path)
    assert response.status_code == 200
    found = Calendar.from_ical(response.content)
    assert isinstance(found, Calendar)
    events: list[Any] = list(found.walk("VEVENT"))
    return {
        str(event["SUMMARY"]).removeprefix("Forklift: "): event["DTSTART"].dt.isoformat()
        for event in events
    }


@pytest.fixture
def anybody(house: House) -> Client:
    """Somebody without a key."""
    return Client(house.admin._http._transport.app)  # type: ignore[attr-defined]


async def test_a_year_in_two_calendars(house: House, anybody: Client) -> None:
    await house.programme("forklift", DOCUMENT, automatic_recertification=True)
    enrolled: Json = await house.enroll()
    await house.enroll("u-18")
    own = await subscribed(house, learner_id="u-17")
    programme = await subscribed(house, certification="forklift")

    assert await read(anybody, own) == {"due": "2026-01-19"}
    assert await read(anybody, programme) == {"2 learners are due": "2026-01-19"}

    # One of them passes.
    await house.travel("2026-01-12T10:00")
    await house.record(course("e-1", "u-17", at("2026-01-12T10:00")))
    dates = {
        "recertification opens": "2026-12-13",
        "certificate expires": "2027-01-12",
        "certificate lapses": "2027-02-11",
    }
    assert await read(anybody, own) == dates
    assert await read(anybody, programme) == {
        "1 learner is due": "2026-01-19",
        "1 window opens": "2026-12-13",
        "1 certificate expires": "2027-01-12",
        "1 certificate lapses": "2027-02-11",
    }

    # The other one's date passes; so does the window, when the recertification opens.
    await house.travel("2026-12-14T10:00")
    assert await read(anybody, own) == {name: dates[name] for name in list(dates)[1:]}
    assert "1 learner is due" not in await read(anybody, programme)

    # Renewed in time: all dates are those of the next year, as entries of a new certificate.
    await house.record(course("e-2", "u-17", at("2026-12-14T10:00")))
    assert await read(anybody, own) == {
        "recertification opens": "2027-12-13",
        "certificate expires": "2028-01-12",
        "certificate lapses": "2028-02-11",
    }

    # What is revoked is no longer to come; nor is anything for who may no longer read.
    await house.act(enrolled, "permanent-revoke", reason="Unsafe driving")
    assert await read(anybody, own) == {}
    assert await read(anybody, programme) == {}
    (calendar,) = (await house.reader.get("/v1/calendars", learner_id="u-17"))["items"]
    await house.lms.delete(f"/v1/calendars/{calendar['id']}", expect=204)
    assert (await anybody.send("GET", own)).status_code == 404
    assert (await anybody.send("GET", programme)).status_code == 200
