"""Exports: all that are selected, as a table or line by line, read batch by batch."""

import asyncio
import csv
import json
from io import StringIO
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.api import exporting
from certsvc.api.exporting import BATCH, COLUMNS, cell
from certsvc.store import enrollments
from certsvc.store.db import driver, transaction
from tests.api.client import Json, assert_valid
from tests.api.world import House, at
from tests.support.statements import counted

MANY = 5_000
URL = "/v1/enrollments/export"
AS_OF = " ".join(enrollments._NEXT_DUE.split())
"""Asked once for each batch."""


async def exported(house: House, **query: Any) -> httpx.Response:
    """A file that is whole."""
    response = await house.reader.send("GET", URL, params=query)
    assert response.status_code == 200, response.text
    return response


def table(response: httpx.Response) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(StringIO(response.content.decode(), newline=""), strict=True))


def lines(response: httpx.Response) -> list[Json]:
    """The objects of an NDJSON file."""
    return [json.loads(line) for line in response.content.splitlines()]


@pytest.fixture
async def crowd(house: House) -> House:
    """One who is certified, one who is enrolled twice over."""
    await house.programme()
    await house.certified("u-1")
    await house.enroll("u-2", due_at=at("2026-03-01T00:00"))
    await house.enroll("u-2", source="group", group="G1", expect=200)
    return house


async def multiply(engine: AsyncEngine, total: int) -> None:
    """Copies of one enrollment that there is, until there are so many."""
    async with transaction(engine) as conn:
        await driver(conn).execute(
            """
            INSERT INTO enrollments (
              tenant_id, id, certification_id, learner_id, status, standing, work, suspended,
              flags, revision, sequence, enrolled_at, updated_at, live, doc)
            SELECT e.tenant_id, m.id, e.certification_id, m.learner, e.status, e.standing, e.work,
              e.suspended, e.flags, e.revision, e.sequence, e.enrolled_at, e.updated_at, e.live,
              e.doc || jsonb_build_object('id', m.id, 'learner_id', m.learner)
            FROM (SELECT * FROM enrollments WHERE learner_id = 'u-2') AS e
            CROSS JOIN generate_series(3, $1) AS n
            CROSS JOIN LATERAL (SELECT gen_random_uuid() AS id, 'm-' || n AS learner) AS m""",
            total,
        )


async def test_a_line_is_what_the_list_has(crowd: House) -> None:
    listed = (await crowd.reader.get("/v1/enrollments"))["items"]
    response = await exported(crowd, format="ndjson")
    assert response.headers["content-type"] == "application/x-ndjson"
    told = response.headers["content-disposition"]
    assert told == 'attachment; filename="enrollments-2026-01-05.ndjson"'
    assert lines(response) == listed
    for line in lines(response):
        assert_valid("Enrollment", line)


async def test_a_row_has_its_columns(crowd: House) -> None:
    response = await exported(crowd)
    assert response.headers["content-type"].startswith("text/csv; charset=utf-8")
    told = response.headers["content-disposition"]
    assert told == 'attachment; filename="enrollments-2026-01-05.csv"'
    assert response.content.count(b"\r\n") == 3
    certified, enrolled = sorted(table(response), key=lambda row: row["learner_id"])
    assert list(certified) == list(COLUMNS)
    (listed,) = (await crowd.reader.get("/v1/enrollments", learner_id="u-1"))["items"]
    assert certified["certificate_number"] == listed["certificate"]["number"]
    assert certified["certificate_code"] == listed["certificate"]["code"]
    assert certified["valid_through"] == listed["certificate"]["valid_through"]
    for name in ("learner_id", "status", "standing", "work", "expires_at", "certified_at"):
        assert certified[name] == listed[name], name
    assert (certified["enrollment_id"], certified["suspended"]) == (listed["id"], "false")
    assert (certified["due_at"], certified["groups"], certified["flags"]) == ("", "", "")
    assert enrolled["due_at"] == at("2026-03-01T00:00")
    assert (enrolled["sources"], enrolled["groups"]) == ("manual;group", "G1")
    assert (enrolled["certificate_number"], enrolled["expires_at"]) == ("", "")


@pytest.mark.parametrize(
    ("query", "learners"),
    [
        ({"view": "active"}, {"u-1"}),
        ({"group": "G1"}, {"u-2"}),
        ({"due_before": at("2027-01-01T00:00")}, {"u-2"}),
        ({"status": ["certified", "not_started"]}, {"u-1", "u-2"}),
        ({"certification": "unheard-of"}, set()),
    ],
)
async def test_the_filters_are_those_of_the_list(
    crowd: House, query: Json, learners: set[str]
) -> None:
    assert {row["learner_id"] for row in table(await exported(crowd, **query))} == learners
    found = lines(await exported(crowd, format="ndjson", **query))
    assert {line["learner_id"] for line in found} == learners


async def test_an_empty_table_has_its_head(house: House) -> None:
    assert (await exported(house)).content.decode() == ",".join(COLUMNS) + "\r\n"
    assert (await exported(house, format="ndjson")).content == b""


async def test_thousands_are_read_batch_by_batch(crowd: House, engine: AsyncEngine) -> None:
    await multiply(engine, MANY)
    with counted(engine) as heard:
        rows = table(await exported(crowd))
    assert len(rows) == len({row["learner_id"] for row in rows}) == MANY
    ids = [row["enrollment_id"] for row in rows]
    assert ids == sorted(ids)
    assert heard.work.count(AS_OF) == MANY / BATCH
    assert sum(text.startswith("BEGIN") for text in heard) >= MANY / BATCH


async def test_who_goes_away_ends_the_work(crowd: House, engine: AsyncEngine, app: FastAPI) -> None:
    """The client takes the first piece and hangs up."""
    await multiply(engine, MANY)
    gone = asyncio.Event()
    sent: list[int] = []

    async def receive() -> Json:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(len(message.get("body", b"")))
        if len(sent) == 3:
            gone.set()
            await asyncio.sleep(0.05)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": "GET",
        "path": URL,
        "raw_path": URL.encode(),
        "root_path": "",
        "query_string": b"format=ndjson",
        "headers": [(b"authorization", f"Bearer {crowd.reader.key}".encode())],
    }
    with counted(engine) as heard:
        await asyncio.wait_for(app(scope, receive, send), 10)
    assert len(sent) < 3 + BATCH / exporting.PIECE
    assert heard.work.count(AS_OF) == 1
    async with transaction(engine) as conn:
        assert await driver(conn).fetchval("SELECT 1") == 1


async def test_only_the_head_is_asked_for(crowd: House, engine: AsyncEngine) -> None:
    await multiply(engine, 2 * BATCH)
    with counted(engine) as heard:
        response = await crowd.reader.send("HEAD", URL)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-disposition"].endswith('.csv"')
    pages = [text for text in heard.work if "FROM enrollments e WHERE" in text and "LIMIT" in text]
    assert len(pages) <= 1


@pytest.mark.parametrize(
    "query", [{"format": "xlsx"}, {"limit": "5"}, {"sort": "due_at"}, {"status": "lost"}]
)
async def test_what_is_wrong_is_refused_before_anything_is_written(
    house: House, query: Json
) -> None:
    problem = await house.reader.get(URL, expect=422, **query)
    assert problem["code"] in ("invalid_request", "unknown_parameter")


async def test_ids_that_look_like_formulas_are_harmless(house: House) -> None:
    await house.programme()
    for learner in ("@SUM", "+1", "-2", "u-1"):
        await house.enroll(learner)
    found = {row["learner_id"] for row in table(await exported(house))}
    assert found == {"'@SUM", "'+1", "'-2", "u-1"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "true"),
        ("=1+1", "'=1+1"),
        ("\tx", "'\tx"),
        (["-a", "b"], "'-a;b"),
        ([], ""),
        ("a,b", "a,b"),
    ],
)
def test_a_cell_is_plain_text(value: Any, written: str) -> None:
    assert cell(value) == written
