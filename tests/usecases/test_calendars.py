"""What stands in calendars: own dates, or counts by day that agree with everybody's own."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from certsvc.api.calendar_files import calendar_file
from certsvc.domain.actions import Action
from certsvc.domain.agenda import DateKind, agenda, local_day
from certsvc.domain.commands import Act
from certsvc.domain.opening import policy_of
from certsvc.domain.status import Status
from certsvc.store import calendars
from certsvc.store.calendars import CalendarRow
from certsvc.store.db import driver, transaction
from certsvc.usecases.calendars import Contents, Line, contents
from tests.support.crowd import everybody
from tests.support.programmes import CERTIFICATION, ELSEWHERE, definition, path, utc
from tests.support.stage import MONDAY, Stage, days
from tests.support.statements import counted

BERLIN: dict[str, Any] = {"time_zone": "Europe/Berlin"}


def of_learner(name: str, language: str | None = None) -> CalendarRow:
    return row(learner_id=name, language=language)


def of_certification(id: UUID = CERTIFICATION) -> CalendarRow:
    return row(certification_id=id)


def row(
    learner_id: str | None = None,
    certification_id: UUID | None = None,
    language: str | None = None,
) -> CalendarRow:
    return CalendarRow(
        id=uuid4(),
        learner_id=learner_id,
        certification_id=certification_id,
        language=language,
        secret_hash=b"",
        created_at=MONDAY,
    )


async def shown(stage: Stage, calendar: CalendarRow, at: datetime = MONDAY) -> Contents:
    async with transaction(stage.engine) as conn:
        return await contents(conn, stage.tenant, calendar, at)


async def dates(
    stage: Stage, calendar: CalendarRow, at: datetime = MONDAY
) -> dict[str, date | datetime]:
    return {line.kind.value: line.point for line in (await shown(stage, calendar, at)).lines}


async def certified(stage: Stage, *documents: dict[str, object]) -> UUID:
    (id,) = await stage.enroll(await stage.certification(*documents), "ann")
    enrollment = await stage.act(id, Act(action=Action.CERTIFY), MONDAY)
    assert enrollment.status is Status.CERTIFIED
    return id


async def test_days_are_those_of_the_zone_and_a_certificate_is_good_through_its_day(
    stage: Stage,
) -> None:
    await certified(stage, definition(**BERLIN))
    assert await dates(stage, of_learner("ann")) == {
        "opens": date(2026, 12, 6),
        "expires": date(2027, 1, 5),
        "lapses": date(2027, 2, 4),
    }


async def test_where_instants_count_entries_are_instants(stage: Stage) -> None:
    await certified(stage, definition(day_rule="exact", **BERLIN))
    found = await dates(stage, of_learner("ann"))
    assert found["expires"] == utc("2027-01-05T09:00")
    (line,) = [
        line
        for line in (await shown(stage, of_certification(), MONDAY)).lines
        if line.kind is DateKind.EXPIRES
    ]
    assert line.point == date(2027, 1, 5)


async def test_who_is_enrolled_sees_when_it_is_due(stage: Stage) -> None:
    certification = await stage.certification(definition(due={"after": "P14D"}))
    (id,) = await stage.enroll(certification, "ann")
    (line,) = (await shown(stage, of_learner("ann"))).lines
    assert (line.kind, line.point, line.title) == (DateKind.DUE, date(2026, 1, 19), "Forklift")
    assert line.uid == f"{id}-1-due"
    await stage.act(id, Act(action=Action.DEACTIVATE))
    assert await dates(stage, of_learner("ann")) == {}


async def test_a_recertification_that_is_due_at_the_expiry_is_told_once(stage: Stage) -> None:
    id = await certified(stage)
    await stage.act(id, Act(action=Action.RECERTIFY, early=True), MONDAY + days(1))
    assert set(await dates(stage, of_learner("ann"))) == {"expires", "lapses"}


async def test_what_has_passed_disappears(stage: Stage) -> None:
    await certified(stage)
    for at, kinds in (
        (utc("2026-12-06T23:59"), {"opens", "expires", "lapses"}),
        (utc("2026-12-07T00:00"), {"expires", "lapses"}),
        (utc("2027-01-05T23:59"), {"expires", "lapses"}),
        (utc("2027-01-06T00:00"), {"lapses"}),
        (utc("2027-02-04T23:59"), {"lapses"}),
        (utc("2027-02-05T00:00"), set()),
    ):
        await stage.tick(at)
        assert set(await dates(stage, of_learner("ann"), at)) == kinds, at
        assert set(await dates(stage, of_certification(), at)) == kinds, at


async def test_a_date_that_is_moved_stays_the_same_entry(stage: Stage) -> None:
    id = await certified(stage)
    before = (await shown(stage, of_learner("ann"))).lines
    moved = Act(action=Action.CHANGE_DATES, expires_at=utc("2027-03-01T00:00"))
    await stage.act(id, moved, MONDAY + days(1))
    after = (await shown(stage, of_learner("ann"))).lines
    one, other = (
        next(line for line in lines if line.kind is DateKind.EXPIRES) for lines in (before, after)
    )
    assert one.uid == other.uid
    assert one.point < other.point
    assert one.sequence < other.sequence
    assert one.updated_at < other.updated_at


async def test_hidden_certifications_are_not_in_a_learners_calendar(stage: Stage) -> None:
    await certified(stage)
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            "UPDATE certifications SET hidden = true, revision = revision + 1"
        )
    assert await dates(stage, of_learner("ann")) == {}
    assert set(await dates(stage, of_certification())) == {"opens", "expires", "lapses"}


@pytest.mark.parametrize(
    ("language", "title"),
    [(None, "Forklift"), ("de", "Stapler"), ("de-AT", "Stapler"), ("fr", "Forklift")],
)
async def test_titles_are_in_the_language(stage: Stage, language: str | None, title: str) -> None:
    await certified(stage)
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            """UPDATE certifications SET title = '{"en": "Forklift", "de": "Stapler"}'::jsonb"""
        )
    lines = (await shown(stage, of_learner("ann", language))).lines
    assert {line.title for line in lines} == {title}


@pytest.mark.parametrize("ahead", [3, 200, 340, 369, 398, 420])
async def test_counts_by_day_agree_with_everybodys_own_calendar(stage: Stage, ahead: int) -> None:
    people = await everybody(stage)
    now = MONDAY + days(ahead)
    until = now.date() + timedelta(days=390)
    for id in (CERTIFICATION, ELSEWHERE):
        own = Counter(
            (entry.kind, local_day_of(entry.point))
            for one in people
            if one.enrollment.certification_id == id
            for entry in agenda(one.enrollment, one.certification, now)
            if local_day_of(entry.point) < until
        )
        lines = (await shown(stage, of_certification(id), now)).lines
        assert {
            (line.kind, line.point): line.count
            for line in lines
            if local_day_of(line.point) < until
        } == own


def local_day_of(point: date | datetime) -> date:
    return point.date() if isinstance(point, datetime) else point


async def test_versions_in_different_zones_are_counted_by_their_own_days(stage: Stage) -> None:
    certification = await stage.certification(
        definition(time_zone="Pacific/Auckland"), definition(time_zone="America/Los_Angeles")
    )
    (id,) = await stage.enroll(certification, "ann")
    enrollment = await stage.act(id, Act(action=Action.CERTIFY), MONDAY)
    assert enrollment.certificate is not None
    calendar = policy_of(certification, enrollment.certificate.version).calendar
    assert enrollment.certificate.expires_at is not None
    day = local_day(enrollment.certificate.expires_at - timedelta(microseconds=1), calendar)
    assert (await dates(stage, of_certification()))["expires"] == day
    assert (await dates(stage, of_learner("ann")))["expires"] == day


async def test_a_calendar_takes_as_many_statements_for_many_as_for_one(stage: Stage) -> None:
    certification = await stage.certification(definition(path(), due={"after": "P30D"}))
    await stage.enroll(certification, "u-0")
    calendar = of_certification()

    async def asked() -> int:
        with counted(stage.engine) as heard:
            (line,) = (await shown(stage, calendar)).lines
        counts.append(line.count)
        return len(heard.work)

    counts: list[int | None] = []
    one = await asked()
    await stage.enroll(certification, *(f"u-{n}" for n in range(1, 300)))
    assert await asked() == one <= 4
    assert counts == [1, 300]


async def test_a_certification_without_versions_or_learners_has_an_empty_calendar(
    stage: Stage,
) -> None:
    assert (await shown(stage, of_certification())).lines == ()
    assert (await shown(stage, of_learner("nobody"))).lines == ()


@pytest.mark.parametrize("kind", DateKind)
@pytest.mark.parametrize("count", [None, 1, 2])
def test_every_kind_of_date_has_its_words(kind: DateKind, count: int | None) -> None:
    line = Line("uid", kind, date(2026, 1, 5), "{Forklift}", count, 1, MONDAY)
    file = calendar_file(Contents("name", (line,))).decode()
    assert "SUMMARY:{Forklift}: " in file
    assert f"CATEGORIES:{kind.value}" in file


@pytest.mark.parametrize("text", ["", "x", "é" * 86, "A" * 86, "%" * 86, "A" * 85, "A" * 87])
def test_what_is_no_token_names_nothing_that_is_there(text: str) -> None:
    found = calendars.read_token(text)
    assert found is None or found.tenant_id == UUID(int=0)


def test_a_token_reads_as_it_was_made() -> None:
    tenant, id, secret = uuid4(), uuid4(), b"s" * 32
    found = calendars.read_token(calendars.make_token(tenant, id, secret))
    assert found == calendars.Token(tenant, id, secret)
