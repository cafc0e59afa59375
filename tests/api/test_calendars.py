"""Calendars over HTTP: made, read by anybody who has the URL, revoked; files that are sound."""

from datetime import date
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.api.app import create_app
from certsvc.settings import Settings
from tests.api.client import Client, Json
from tests.api.world import House

CALENDARS = "/v1/calendars"
HOSTILE = "Fork; lift, \\n\n 2.0\nEND:VCALENDAR\nBEGIN:VEVENT: " + "ü" * 100


async def made(house: House, **body: Any) -> Json:
    return await house.lms.post(CALENDARS, body, expect=201)


def path_of(calendar: Json) -> str:
    return str(urlsplit(calendar["url"]).path)


async def feed(client: Client, calendar: Json, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.send("GET", path_of(calendar), headers=named)


def events(response: httpx.Response) -> list[Any]:
    assert response.status_code == 200, response.text
    found = Calendar.from_ical(response.content)
    assert isinstance(found, Calendar)
    assert found["VERSION"] == "2.0"
    assert not found.errors
    return list(found.walk("VEVENT"))


def summaries(response: httpx.Response) -> list[tuple[str, date]]:
    return [(str(event["SUMMARY"]), event["DTSTART"].dt) for event in events(response)]


async def test_a_learners_dates_are_read_without_a_key(house: House, stranger: Client) -> None:
    await house.programme()
    await house.certified()
    calendar = await made(house, learner_id="u-17")
    assert calendar["url"].startswith("http://certsvc.test/v1/calendars/feed/")
    assert calendar["url"].endswith(".ics")
    response = await feed(stranger, calendar)
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    assert summaries(response) == [
        ("Forklift: recertification opens", date(2026, 12, 6)),
        ("Forklift: certificate expires", date(2027, 1, 5)),
        ("Forklift: certificate lapses", date(2027, 2, 4)),
    ]


async def test_a_certifications_dates_are_counted_and_tell_nobodys_name(
    house: House, stranger: Client
) -> None:
    await house.programme()
    for number in range(3):
        await house.certified(f"secret-{number}")
    response = await feed(stranger, await made(house, certification="forklift"))
    assert summaries(response) == [
        ("Forklift: 3 windows open", date(2026, 12, 6)),
        ("Forklift: 3 certificates expire", date(2027, 1, 5)),
        ("Forklift: 3 certificates lapse", date(2027, 2, 4)),
    ]
    assert "secret" not in response.text


async def test_the_url_is_shown_once_and_not_stored(house: House, engine: AsyncEngine) -> None:
    sent = {"learner_id": "u-17"}
    headers = {"idempotency-key": "calendar-1"}
    first = await house.lms.send("POST", CALENDARS, json=sent, headers=headers)
    again = await house.lms.send("POST", CALENDARS, json=sent, headers=headers)
    assert first.content == again.content
    calendar = first.json()
    listed = await house.reader.get(CALENDARS)
    assert [item["id"] for item in listed["items"]] == [calendar["id"]]
    one = await house.reader.get(f"{CALENDARS}/{calendar['id']}")
    assert one == listed["items"][0]
    assert "url" not in one
    token = path_of(calendar).rpartition("/")[2].removesuffix(".ics")
    async with engine.connect() as conn:
        (body,) = (await conn.execute(text("SELECT body FROM idempotency"))).one()
        (row,) = (await conn.execute(text("SELECT calendars::text FROM calendars"))).one()
    assert token[50:].encode() not in body
    assert token[50:] not in row


async def test_a_revoked_calendar_is_gone_at_once(house: House, stranger: Client) -> None:
    calendar, other = await made(house, learner_id="u-17"), await made(house, learner_id="u-17")
    assert (await feed(stranger, calendar)).status_code == 200
    await house.lms.delete(f"{CALENDARS}/{calendar['id']}", expect=204)
    response = await feed(stranger, calendar)
    assert (response.status_code, response.json()["code"]) == (404, "calendar_not_found")
    assert (await feed(stranger, other)).status_code == 200
    await house.lms.delete(f"{CALENDARS}/{calendar['id']}", expect=404)
    await house.reader.get(f"{CALENDARS}/{calendar['id']}", expect=404)


async def test_an_url_that_is_not_quite_right_leads_nowhere(house: House, stranger: Client) -> None:
    path = path_of(await made(house, learner_id="u-17"))
    for wrong in (
        path.removesuffix(".ics"),
        path.removesuffix(".ics") + ".ICS",
        path.replace("/feed/", "/feed/A"),
        path[:-15] + ("A" if path[-15] != "A" else "B") + path[-14:],
        "/v1/calendars/feed/.ics",
        "/v1/calendars/feed/x.ics",
    ):
        assert (await stranger.send("GET", wrong)).status_code == 404, wrong


async def test_the_same_file_is_not_sent_again(house: House, stranger: Client) -> None:
    await house.programme()
    await house.certified()
    calendar = await made(house, learner_id="u-17")
    first = await feed(stranger, calendar)
    assert first.headers["cache-control"] == "private, no-cache"
    again = await feed(stranger, calendar)
    assert again.content == first.content
    same = await feed(stranger, calendar, if_none_match=f'W/"x", {first.headers["etag"]}')
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == first.headers["etag"]
    await house.travel("2027-01-06T09:00")
    changed = await feed(stranger, calendar, if_none_match=first.headers["etag"])
    assert [summary for summary, _ in summaries(changed)] == ["Forklift: certificate lapses"]


async def test_head_tells_what_get_would(house: House, stranger: Client) -> None:
    calendar = await made(house, learner_id="u-17")
    whole = await feed(stranger, calendar)
    head = await stranger._http.head(path_of(calendar))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "content-length"):
        assert head.headers[name] == whole.headers[name]


async def test_texts_are_escaped_and_lines_folded(house: House, stranger: Client) -> None:
    await house.programme("forklift", title={"en": HOSTILE})
    await house.certified()
    for body in ({"learner_id": "u-17"}, {"certification": "forklift"}):
        response = await feed(stranger, await made(house, **body))
        found = events(response)
        assert len(found) == 3
        assert all(str(event["SUMMARY"]).startswith(HOSTILE) for event in found)
        lines = response.content.split(b"\r\n")
        assert max(map(len, lines)) <= 75
        assert b"\n" not in b"".join(lines)
        assert lines.count(b"BEGIN:VEVENT") == 3


async def test_every_event_has_what_the_format_asks_for(house: House, stranger: Client) -> None:
    await house.programme()
    enrolled = await house.certified()
    response = await feed(stranger, await made(house, learner_id="u-17"))
    uids = [str(event["UID"]) for event in events(response)]
    assert len(set(uids)) == len(uids)
    for event in events(response):
        assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt
        assert event["DTSTAMP"].dt.isoformat() == enrolled["updated_at"].replace("Z", "+00:00")
        assert event["SEQUENCE"] >= enrolled["revision"]
        assert str(event["TRANSP"]) == "TRANSPARENT"


@pytest.mark.parametrize(
    "body",
    [{}, {"learner_id": "u-17", "certification": "forklift"}, {"language": "de"}],
    ids=["nobody", "both", "a language"],
)
async def test_a_calendar_is_of_one_subject(house: House, body: Json) -> None:
    problem = await house.lms.post(CALENDARS, body, expect=422)
    assert problem["code"] == "invalid_parameter"


async def test_a_certification_must_be_there(house: House, neighbour: House) -> None:
    await neighbour.programme()
    problem = await house.lms.post(CALENDARS, {"certification": "forklift"}, expect=404)
    assert problem["code"] == "certification_not_found"


async def test_tenants_do_not_see_each_others_calendars(house: House, neighbour: House) -> None:
    theirs = await made(neighbour, learner_id="u-17")
    assert (await house.reader.get(CALENDARS))["items"] == []
    await house.reader.get(f"{CALENDARS}/{theirs['id']}", expect=404)
    await house.lms.delete(f"{CALENDARS}/{theirs['id']}", expect=404)
    await neighbour.reader.get(f"{CALENDARS}/{theirs['id']}")


async def test_calendars_are_listed_by_learner(house: House) -> None:
    for learner in ("u-1", "u-2", "u-1"):
        await made(house, learner_id=learner)
    assert len((await house.reader.get(CALENDARS, learner_id="u-1"))["items"]) == 2


async def test_the_url_may_be_what_operators_say(
    house: House, engine: AsyncEngine, settings: Settings
) -> None:
    outside = settings.model_copy(update={"public_url": "https://certs.example/api"})
    client = Client(create_app(outside, engine), house.lms.key)
    calendar = await client.post(CALENDARS, {"learner_id": "u-17"}, expect=201)
    assert calendar["url"].startswith("https://certs.example/api/v1/calendars/feed/")
    await client.close()


async def test_a_calendar_may_be_asked_for_only_so_often(
    house: House, engine: AsyncEngine, settings: Settings
) -> None:
    calendar, other = await made(house, learner_id="u-17"), await made(house, learner_id="u-17")
    slow = settings.model_copy(update={"requests_per_second": 0.01, "requests_at_once": 2})
    client = Client(create_app(slow, engine))
    statuses = [(await feed(client, calendar)).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await feed(client, other)).status_code == 200
    await client.close()


async def test_who_has_no_dates_has_an_empty_calendar(house: House, stranger: Client) -> None:
    assert events(await feed(stranger, await made(house, learner_id="nobody"))) == []
