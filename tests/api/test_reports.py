"""Reports through the API: the numbers, and pictures of them that fit into a mail."""

import asyncio
import os
import re
import struct
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest

from certsvc.api.charts.drawing import drawn
from certsvc.api.charts.statuses import COLOURS
from certsvc.domain.status import Standing, Status
from certsvc.store.reports import Period, Subject
from certsvc.usecases.reports import (
    Ahead,
    ExpiryReport,
    Months,
    Renewal,
    RenewalReport,
    Report,
    Statuses,
    StatusReport,
)
from tests.api.client import Json, operations
from tests.api.world import House, at, course
from tests.support.programmes import utc

PATHS = [operation.path for operation in operations() if operation.path.startswith("/v1/reports/")]
STATUSES = "/v1/reports/status-counts"
EXPIRIES = "/v1/reports/expiries"
RECERTIFICATION = "/v1/reports/recertification"
LARGEST = {"png": 60_000, "svg": 40_000}
NOW = utc("2026-02-03T09:00")


def only(counts: dict[str, int]) -> dict[str, int]:
    return {word: count for word, count in counts.items() if count}


async def populated(house: House) -> None:
    """Two programmes; u-1 and u-2 are certified in the first, u-3 is in both and has not begun."""
    await house.programme("forklift")
    await house.programme("first-aid")
    for learner in ("u-1", "u-2"):
        await house.certified(learner)
    await house.travel("2026-01-12T09:00")
    await house.enroll("u-3", "forklift", source="group", group="G1")
    await house.enroll("u-3", "first-aid")


# The numbers


async def test_statuses_are_counted_now_and_as_of_then(house: House) -> None:
    await populated(house)
    report = await house.reader.get(STATUSES)
    assert [item["certification_key"] for item in report["items"]] == ["first-aid", "forklift"]
    assert report["items"][1]["certification_title"] == {"en": "Forklift"}
    assert only(report["items"][1]["by_status"]) == {"certified": 2, "not_started": 1}
    assert only(report["totals"]["by_standing"]) == {"none": 2, "valid": 2}
    assert set(report["totals"]["by_status"]) == set(Status)
    assert report["totals"]["total"] == 4
    assert report["as_of"] == at("2026-01-12T09:00")
    then = await house.reader.get(STATUSES, at=at("2026-01-06T09:00"))
    assert (only(then["totals"]["by_status"]), then["as_of"]) == (
        {"certified": 2},
        at("2026-01-06T09:00"),
    )
    of_group = await house.reader.get(STATUSES, group="G1")
    assert only(of_group["totals"]["by_status"]) == {"not_started": 1}
    before = await house.reader.get(STATUSES, group="G1", at=at("2026-01-06T09:00"))
    assert (before["items"], before["totals"]["total"]) == ([], 0)


async def test_the_past_equals_reading_each_enrollment(house: House) -> None:
    await populated(house)
    await house.travel("2027-01-20T09:00")
    await house.record(course("again", "u-3", at("2027-01-20T09:00")))
    await house.travel("2027-02-20T09:00")
    items = (await house.reader.get("/v1/enrollments"))["items"]
    for moment in ("2026-01-05T09:00", "2026-12-24T09:00", "2027-01-10T09:00", "2027-02-20T09:00"):
        counts: Counter[str] = Counter()
        for item in items:
            path = f"/v1/enrollments/{item['id']}"
            response = await house.reader.send("GET", path, params={"at": at(moment)})
            if response.status_code == 200:
                counts[response.json()["status"]] += 1
        report = await house.reader.get(STATUSES, at=at(moment))
        assert only(report["totals"]["by_status"]) == counts, moment


async def test_what_is_ahead_is_told_by_month(house: House) -> None:
    await populated(house)
    report = await house.reader.get(EXPIRIES, months=14, certification=["forklift", "first-aid"])
    months = report["totals"]["months"]
    assert [months[0]["month"], months[-1]["month"]] == ["2026-01", "2027-02"]
    ahead = {
        month["month"]: (month["windows_opening"], month["expiring"], month["lapsing"])
        for month in months
    }
    assert {month: counts for month, counts in ahead.items() if any(counts)} == {
        "2026-12": (2, 0, 0),
        "2027-01": (0, 2, 0),
        "2027-02": (0, 0, 2),
    }
    assert report["totals"]["already_past"] == {"expiring": 0, "lapsing": 0}
    first_aid, forklift = report["items"]
    assert not any(month["expiring"] for month in first_aid["months"])
    assert forklift["months"] == months
    assert report["time_zone"] == "UTC"
    assert len((await house.reader.get(EXPIRIES))["totals"]["months"]) == 12


async def test_recertification_is_told_per_certification_and_group(house: House) -> None:
    await house.programme("forklift")
    for learner, group in (("u-1", "G1"), ("u-2", "G1"), ("u-3", "G2")):
        await house.enroll(learner, source="group", group=group)
        await house.record(course(f"c-{learner}", learner, at("2026-01-05T09:00")))
    await house.travel("2026-12-20T09:00")
    enrolled = (await house.reader.get("/v1/enrollments", learner_id="u-1"))["items"][0]
    await house.act(enrolled, "recertify")
    await house.record(course("again", "u-1", at("2026-12-20T09:00")))
    await house.travel("2027-02-20T09:00")
    period: Any = {"from": at("2026-12-01T00:00"), "to": at("2028-01-01T00:00")}
    report = await house.reader.get(RECERTIFICATION, **period)
    assert only(report["totals"]) == {"due": 3, "in_time": 1, "lapsed": 2}
    (item,) = report["items"]
    assert item == {
        **report["totals"],
        "certification_id": enrolled["certification_id"],
        "certification_key": "forklift",
        "certification_title": {"en": "Forklift"},
    }
    assert [(one["group"], only({**one, "group": 0})) for one in report["groups"]] == [
        ("G1", {"due": 2, "in_time": 1, "lapsed": 1}),
        ("G2", {"due": 1, "lapsed": 1}),
    ]
    # The period goes on: it is told up to now.
    assert (report["from"], report["to"]) == (period["from"], at("2027-02-20T09:00"))
    of_last_year = await house.reader.get(RECERTIFICATION)
    assert of_last_year["from"] == at("2026-02-20T09:00")
    assert of_last_year["totals"] == report["totals"]
    of_group = await house.reader.get(RECERTIFICATION, group="G2", **period)
    assert (of_group["totals"]["due"], len(of_group["groups"])) == (1, 1)


WRONG: list[tuple[str, str, dict[str, Any]]] = [
    (STATUSES, "at", {"at": at("2027-01-01T00:00")}),
    (STATUSES, "at", {"at": "yesterday"}),
    (STATUSES, "format", {"format": "pdf"}),
    (STATUSES, "group", {"group": "no group"}),
    (EXPIRIES, "months", {"months": "0"}),
    (EXPIRIES, "months", {"months": "61"}),
    (EXPIRIES, "time_zone", {"time_zone": "Mars/Olympus"}),
    (EXPIRIES, "time_zone", {"time_zone": "../../etc/passwd"}),
    (EXPIRIES, "time_zone", {"time_zone": "localtime"}),
    (RECERTIFICATION, "from", {"from": at("2026-01-02T00:00"), "to": at("2026-01-02T00:00")}),
    (RECERTIFICATION, "from", {"from": at("2026-02-01T00:00"), "to": at("2026-03-01T00:00")}),
    (RECERTIFICATION, "from", {"from": "x"}),
    (RECERTIFICATION, "to", {"to": "9999-12-31T00:00:00Z"}),
]


@pytest.mark.parametrize(("path", "parameter", "query"), WRONG)
async def test_what_cannot_be_reported_is_refused(
    house: House, path: str, parameter: str, query: dict[str, Any]
) -> None:
    problem = await house.reader.get(path, expect=422, **query)
    assert problem["code"] == "invalid_request"
    assert [fault["parameter"] for fault in problem["errors"]] == [parameter]


async def test_nothing_of_a_neighbour_is_in_a_report(house: House, neighbour: House) -> None:
    await populated(neighbour)
    theirs = (await neighbour.reader.get("/v1/certifications"))["items"]
    await house.travel("2026-12-20T09:00")
    for path in PATHS:
        empty = await house.reader.get(path)
        assert empty["items"] == []
        for certification in theirs:
            assert await house.reader.get(path, certification=certification["id"]) == empty
        assert await house.reader.get(path, group="G1") == empty
    past = await house.reader.get(STATUSES, at=at("2026-12-19T09:00"))
    assert (past["items"], past["totals"]["total"]) == ([], 0)


# The pictures


async def picture(house: House, path: str, format: str, **query: Any) -> bytes:
    response = await house.reader.send("GET", path, params={"format": format, **query})
    assert response.status_code == 200, response.text
    media_type = {"png": "image/png", "svg": "image/svg+xml"}[format]
    assert response.headers["content-type"] == media_type
    assert "script-src" not in response.headers["content-security-policy"]
    return response.content


def assert_sound(content: bytes, format: str) -> None:
    """Small, not too wide, and nothing in it that acts or fetches."""
    assert len(content) < LARGEST[format]
    if format == "png":
        assert content.startswith(b"\x89PNG")
        assert struct.unpack(">I", content[16:20]) == (760,)
        return
    root = ElementTree.fromstring(content)
    assert float(root.attrib["width"].removesuffix("pt")) * 96 / 72 < 800
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not kinds & {"script", "foreignObject", "image", "a", "animate", "set"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), name
            if name.endswith("href"):
                assert value.startswith("#"), value


def texts(content: bytes) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(content).iter()][1:]


@pytest.mark.parametrize("format", ["svg", "png"])
@pytest.mark.parametrize("path", PATHS)
async def test_every_report_has_its_picture(house: House, path: str, format: str) -> None:
    empty = await picture(house, path, format)
    assert_sound(empty, format)
    await populated(house)
    query = {"at": at("2026-01-12T08:00")} if path == STATUSES else {}
    if path == RECERTIFICATION:
        await house.travel("2026-12-24T09:00")
    full = await picture(house, path, format, **query)
    assert_sound(full, format)
    assert full == await picture(house, path, format, **query), "the same numbers, the same bytes"
    if format == "svg":
        assert "Nothing to show" in texts(empty)
        assert "Nothing to show" not in texts(full)
        assert any("Forklift" in text for text in texts(full))


async def test_several_pictures_are_drawn_while_others_are_served(house: House) -> None:
    await populated(house)
    asked = [picture(house, path, format) for path in PATHS for format in ("svg", "png")]
    pictures, *_ = await asyncio.gather(
        asyncio.gather(*asked, *asked_again(house)), house.reader.get("/v1/enrollments")
    )
    assert pictures[: len(asked)] == pictures[len(asked) :]


def asked_again(house: House) -> list[Any]:
    return [picture(house, path, format) for path in PATHS for format in ("svg", "png")]


NASTY = "</text><script>alert(1)</script>&\"' $\\frac{1}{0}$ {x} %s"


async def test_a_title_is_text_whatever_it_holds(house: House) -> None:
    await house.programme("nasty", title={"en": NASTY})
    await house.programme("japanese", title={"ja": "溶接技能者"})
    await house.programme("long", title={"en": "A long title " * 15})
    for key in ("nasty", "japanese", "long"):
        await house.enroll("u-1", key)
    content = await picture(house, STATUSES, "svg", certification="nasty")
    assert_sound(content, "svg")
    assert any(NASTY in text for text in texts(content))
    for format in ("svg", "png"):
        assert_sound(await picture(house, STATUSES, format), format)
    shown = texts(await picture(house, STATUSES, "svg"))
    assert "japanese" in shown
    assert any(re.fullmatch(r"A long title .*…", text) for text in shown)


def subjects(count: int) -> list[Subject]:
    return [
        Subject(UUID(int=n), f"key-{n}", {"en": f"Certification no. {n}"}) for n in range(count)
    ]


def largest() -> list[Report]:
    """More of everything than there is room for."""
    many = subjects(40)
    statuses = Statuses()
    for status in Status:
        for standing in Standing:
            statuses.add(standing, status, 123_456)
    months = Months()
    days = [date(2026 + n // 12, n % 12 + 1, 1) for n in range(60)]
    for place in range(60):
        for what in Ahead:
            months.ahead[place, what] = 12_345 + 997 * place
    months.past[Ahead.EXPIRE] = 3
    outcomes = Counter(dict.fromkeys(Renewal, 54_321))
    groups = {f"{'G' * 100}-{n}": outcomes for n in range(500)}
    items = dict.fromkeys(many, outcomes)
    return [
        StatusReport(dict.fromkeys(many, statuses), statuses, NOW),
        ExpiryReport(days, "UTC", dict.fromkeys(many, months), months, NOW),
        ExpiryReport(days[:18], "UTC", dict.fromkeys(many, months), months, NOW),
        RenewalReport(Period(NOW, NOW), items, groups, outcomes, NOW),
    ]


@pytest.mark.parametrize("format", ["svg", "png"])
def test_the_largest_pictures_fit_into_a_mail(format: str) -> None:
    for report in largest():
        content = drawn(report, format)
        assert_sound(content, format)
        assert content == drawn(report, format)


def test_every_status_has_its_bar() -> None:
    assert set(COLOURS) == set(Status)


# The library that draws


def run(code: str, **environment: str) -> str:
    """Run a program by itself, with warnings as errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_service_starts_without_the_library() -> None:
    code = (
        "import sys, certsvc.cli.program, certsvc.cli.serving, certsvc.worker.scheduler;"
        "from certsvc.api.app import create_app; from certsvc.settings import Settings;"
        "create_app(Settings(_env_file=None), None).openapi();"
        "print({'matplotlib', 'numpy', 'PIL'} & set(sys.modules))"
    )
    assert run(code).strip() == "set()"


DRAW = (
    "import os; from datetime import UTC, datetime;"
    "from certsvc.api.pictures import _drawn; from certsvc.usecases.reports import *;"
    "now = datetime(2026, 2, 3, tzinfo=UTC);"
    "print(len(_drawn(StatusReport({}, Statuses(), now), 'png')), os.environ.get('MPLCONFIGDIR'))"
)


def test_a_picture_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither in the home directory nor among temporary files."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    environment = {"HOME": str(home), "TMPDIR": str(temporary), "XDG_CACHE_HOME": "", "LANG": "C"}
    size, folder = run(DRAW, **environment).split()
    assert int(size) > 1000
    assert folder == "None"
    assert [*home.rglob("*"), *temporary.rglob("*")] == []


def test_a_picture_needs_no_home(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    assert run(DRAW, HOME=nowhere, XDG_CONFIG_HOME=nowhere, XDG_CACHE_HOME=nowhere)
    assert not Path(nowhere).exists()


def test_no_report_is_drawn_from_the_event_loop() -> None:
    source = Path(__file__).parents[2] / "src" / "certsvc"
    importing = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "certsvc.api.charts" in path.read_text() and path.parent.name != "charts"
    }
    assert importing == {"api/pictures.py"}


async def test_a_report_is_read_by_a_reader(house: House) -> None:
    documents: list[Json] = [await house.reader.get(path) for path in PATHS]
    assert len(documents) == 3
