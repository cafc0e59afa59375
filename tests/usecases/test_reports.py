"""Reports say what counting one by one says, now and of any past instant."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.commands import Act, Command, Enroll, Leave
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.periods import Calendar
from certsvc.domain.status import Standing, Status
from certsvc.store import enrollments
from certsvc.store import reports as stored
from certsvc.store.db import driver, transaction
from certsvc.store.reports import Chosen, Period
from certsvc.usecases import reports
from certsvc.usecases.read import Read, read_at
from certsvc.usecases.reports import Renewal
from tests.support.programmes import CERTIFICATION, ELSEWHERE, Document, definition, path, utc
from tests.support.stage import MONDAY, Stage, days, decided
from tests.support.statements import counted
from tests.usecases.test_tick import certified, passed

CHOICES = (Chosen(), Chosen(certifications=(ELSEWHERE,)), Chosen(group="G1"))
EXPIRED = utc("2027-01-07T00:00")
Counts = Counter[tuple[UUID, Standing, Status]]


async def one_by_one(stage: Stage, chosen: Chosen, at: datetime) -> Counts:
    """Every enrollment read as of the instant, and counted."""
    counts: Counts = Counter()
    async with transaction(stage.engine) as conn:
        for (id,) in await driver(conn).fetch("SELECT id FROM enrollments"):
            found = await read_at(conn, stage.tenant, id, at)
            if not isinstance(found, Read):
                continue
            e = found.enrollment
            if chosen.certifications and e.certification_id not in chosen.certifications:
                continue
            if chosen.group is None or chosen.group in {a.group for a in e.assignments}:
                counts[e.certification_id, e.standing, e.status] += 1
    return counts


async def assert_equal(stage: Stage, chosen: Chosen, at: datetime) -> None:
    expected = await one_by_one(stage, chosen, at)
    async with transaction(stage.engine) as conn:
        report = await reports.past_status_report(conn, stage.tenant, chosen, at)
    by_status: Counter[tuple[UUID, Status]] = Counter()
    by_standing: Counter[tuple[UUID, Standing]] = Counter()
    for (id, standing, status), count in expected.items():
        by_status[id, status] += count
        by_standing[id, standing] += count
    items = report.items.items()
    assert by_status == {(s.id, k): n for s, c in items for k, n in c.by_status.items()}, at
    assert by_standing == {(s.id, k): n for s, c in items for k, n in c.by_standing.items()}, at
    assert report.totals.total == expected.total()
    assert report.as_of == at


ACTS = (
    Act(action=Action.CANCEL),
    Act(action=Action.REVOKE),
    Act(action=Action.SUSPEND),
    Act(action=Action.LIFT),
    Act(action=Action.RECERTIFY, early=True),
    Act(action=Action.DEACTIVATE),
    Act(action=Action.REACTIVATE),
    Act(action=Action.OVERRIDE_TRAINING),
    Act(action=Action.PERMANENT_REVOKE),
    Act(action=Action.RESTORE),
    Act(action=Action.CHANGE_NEXT_RECERTIFICATION, next="never"),
)


async def anything(stage: Stage, random: Random, both: list[Certification], now: datetime) -> None:
    """Something happens to somebody: enrolling, leaving a group, a fact of now or of a while ago,
    an action; or the scheduler comes by, as it does now and then."""
    choice = random.random()
    learner = f"u-{random.randrange(6)}"
    if choice < 0.15:
        await stage.tick(now)
    elif choice < 0.5:
        back = timedelta(days=random.choice((0, 0, 1, 40)))
        id = f"F-{random.getrandbits(40)}"
        fact = Fact(
            id=id,
            type=FactType.COURSE_COMPLETION,
            occurred_at=now - back,
            recorded_at=now,
            course_id=random.choice(("C-1", "C-2")),
            outcome=FactOutcome.PASSED,
            grade=85.0,
        )
        await stage.report(learner, fact, at=now)
    else:
        group = random.choice((None, "G1", "G2"))
        enroll = Enroll(source=Source.GROUP if group else Source.MANUAL, group=group)
        command = random.choice((enroll, enroll, Leave(group="G1"), *ACTS))
        await attempted(stage, random.choice(both), learner, command, now)


async def attempted(
    stage: Stage, certification: Certification, learner: str, command: Command, now: datetime
) -> None:
    """What is refused changes nothing."""
    async with transaction(stage.engine) as conn:
        pairs = [(certification.id, learner)]
        rows = await enrollments.lock_learners(conn, stage.tenant.id, pairs, every_fact=True)
        for row in rows:
            change = decided(row, command, now)
            if change.decision.refusal is None:
                await stage.save_in(conn, [change], at=now)
    if not rows and isinstance(command, Enroll):
        await stage.enroll(certification, learner, at=now, group=command.group)


@pytest.mark.parametrize("seed", range(4))
async def test_the_past_is_counted_as_each_would_be_read(
    stage: Stage, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "PAGE", 3)
    random = Random(seed)
    two_steps = path(
        {"key": "a", "ways": [{"type": "course", "course_id": "C-1", "minimum_grade": 80}]},
        {"key": "b", "ways": [{"type": "course", "course_id": "C-2"}]},
    )
    policy: Document = {"validity": {"period": "P90D"}, "completion_limit": {"after": "P60D"}}
    both = [
        await stage.certification(definition(two_steps, **policy), automatic=True),
        await stage.certification(definition(**policy), id=ELSEWHERE, key="other"),
    ]
    now = MONDAY
    instants = [MONDAY - days(1), MONDAY]
    for _ in range(60):
        await anything(stage, random, both, now)
        now += timedelta(hours=random.choice((0, 1, 30, 200, 900)))
        instants.append(now)
    for at in [*random.sample(instants, 12), instants[0], now]:
        for chosen in CHOICES:
            await assert_equal(stage, chosen, at)


async def test_of_the_past_only_what_has_changed_is_replayed(stage: Stage) -> None:
    """A few statements for a page, however many it holds."""
    ids = await certified(stage, *(f"u-{n}" for n in range(40)))
    later = MONDAY + days(20)
    await stage.act(ids[0], Act(action=Action.SUSPEND), at=later)
    with counted(stage.engine) as statements:
        async with transaction(stage.engine) as conn:
            page = await stored.past_page(conn, stage.tenant.id, Chosen(), MONDAY, None, 100)
            report = await reports.past_status_report(conn, stage.tenant, Chosen(), MONDAY)
    assert [state.id for state in page.states] == [ids[0]]
    assert report.totals.by_status == {Status.CERTIFIED: 40}
    assert len(statements.work) <= 6


async def test_what_was_set_aside_is_counted_as_it_is_stored(stage: Stage) -> None:
    await certified(stage, "ann", "bob")
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            "UPDATE enrollments SET set_aside_at = $1, doc = '{}' WHERE learner_id = 'bob'", MONDAY
        )
        report = await reports.past_status_report(conn, stage.tenant, Chosen(), EXPIRED)
        before = await reports.past_status_report(conn, stage.tenant, Chosen(), MONDAY - days(1))
    assert report.totals.by_status == {Status.CERTIFIED: 1, Status.EXPIRED: 1}
    assert before.totals.total == 0


async def test_now_is_as_of_what_the_scheduler_has_done(stage: Stage) -> None:
    await certified(stage, "ann", "bob")
    async with transaction(stage.engine) as conn:
        late = await reports.status_report(conn, stage.tenant, EXPIRED, Chosen())
    assert late.totals.by_status == {Status.CERTIFIED: 2}
    assert late.as_of < EXPIRED
    await stage.tick(EXPIRED)
    async with transaction(stage.engine) as conn:
        report = await reports.status_report(conn, stage.tenant, EXPIRED, Chosen())
    assert report.totals.by_status == {Status.EXPIRED: 2}
    assert report.as_of == EXPIRED
    ((subject, statuses),) = report.items.items()
    assert (subject.id, subject.key, statuses.total) == (CERTIFICATION, "forklift", 2)


async def test_a_certification_that_was_asked_for_has_a_line_though_nobody_is_in_it(
    stage: Stage,
) -> None:
    await certified(stage, "ann")
    await stage.certification(id=ELSEWHERE, key="other")
    async with transaction(stage.engine) as conn:
        everything = await reports.status_report(conn, stage.tenant, MONDAY, Chosen())
        asked = Chosen(certifications=(ELSEWHERE,))
        other = await reports.status_report(conn, stage.tenant, MONDAY, asked)
    assert [subject.key for subject in everything.items] == ["forklift"]
    assert [(s.key, found.total) for s, found in other.items.items()] == [("other", 0)]


async def ahead(stage: Stage, now: datetime, months: int, zone: str = "UTC") -> dict[str, str]:
    """What is ahead, by month."""
    calendar = Calendar.of(zone, "end_of_day")
    async with transaction(stage.engine) as conn:
        report = await reports.expiry_report(conn, stage.tenant, now, Chosen(), months, calendar)
    assert len(report.months) == months
    found: dict[str, str] = {}
    for (place, what), count in sorted(report.totals.ahead.items()):
        month = f"{report.months[place]:%Y-%m}"
        found[month] = f"{found.get(month, '')} {count} {what}".strip()
    if report.totals.past:
        past = sorted(report.totals.past.items())
        found["past"] = " ".join(f"{count} {what}" for what, count in past)
    return found


async def test_what_is_ahead_stands_in_the_month_of_its_instant(stage: Stage) -> None:
    """Certified on 5 January 2026 for a year: the window opens on 6 December, the expiry is the
    midnight after 5 January 2027, grace ends thirty days later."""
    await certified(stage, "ann", "bob")
    window, expiry, lapse = "2 window", "2 expire", "2 lapse"
    assert await ahead(stage, MONDAY, 12) == {"2026-12": window}
    whole = {"2026-12": window, "2027-01": expiry, "2027-02": lapse}
    assert await ahead(stage, MONDAY, 60) == whole
    assert await ahead(stage, MONDAY, 1) == {}
    # The rest of a month begins now.
    assert (await ahead(stage, utc("2027-01-05T23:59"), 1)) == {"2027-01": expiry}
    # Late: the expiry should have been applied.
    assert (await ahead(stage, EXPIRED, 2)) == {"2027-02": lapse, "past": expiry}
    await stage.tick(EXPIRED)
    assert (await ahead(stage, EXPIRED, 2)) == {"2027-02": lapse}


async def test_an_expiry_is_in_the_month_that_it_is_the_end_of(stage: Stage) -> None:
    """Valid through 31 January: that is January, though the instant is the midnight after it. In
    Tokyo it is the morning of 1 February."""
    certification = await stage.certification()
    at = utc("2026-01-31T12:00")
    (id,) = await stage.enroll(certification, "ann", at=at)
    await stage.report("ann", passed("ann", at), at=at)
    (row,) = await stage.read(id)
    assert row.enrollment.certificate is not None
    expiry = utc("2027-02-01T00:00")
    assert row.enrollment.certificate.expires_at == expiry
    now = utc("2027-01-20T00:00")
    assert await ahead(stage, now, 1) == {"2027-01": "1 expire"}
    assert await ahead(stage, now, 2, "Asia/Tokyo") == {"2027-02": "1 expire"}
    # At that instant it is due.
    assert (await ahead(stage, expiry, 1))["past"] == "1 expire"
    due = {Renewal.OPEN: 1}
    assert await outcomes(stage, "2027-01-15", "2027-02-01") == due
    assert await outcomes(stage, "2027-02-01", "2027-02-15") == {}


async def renewed(stage: Stage, id: UUID, learner: str, at: datetime) -> None:
    """Recertify by hand and pass the course at that instant."""
    await stage.act(id, Act(action=Action.RECERTIFY, early=True), at)
    fact = Fact(
        id=f"again-{learner}",
        type=FactType.COURSE_COMPLETION,
        occurred_at=at,
        recorded_at=at,
        course_id="C-1",
        outcome=FactOutcome.PASSED,
        grade=85.0,
    )
    await stage.report(learner, fact, at=at)


async def outcomes(
    stage: Stage, begins: str, ends: str, now: str = "2028-01-01"
) -> Counter[Renewal]:
    async with transaction(stage.engine) as conn:
        period = Period(utc(f"{begins}T00:00"), utc(f"{ends}T00:00"))
        report = await reports.renewal_report(
            conn, stage.tenant, utc(f"{now}T00:00"), Chosen(), period
        )
    assert sum((one for one in report.items.values()), Counter()) == report.totals
    return report.totals


async def test_what_became_of_what_was_due(stage: Stage) -> None:
    """All have their window from 6 December 2026, expire after 5 January 2027, and lapse thirty
    days later."""
    learners = ("in-time", "late", "after", "never", "revoked", "early")
    ids = dict(zip(learners, await certified(stage, *learners), strict=True))
    await renewed(stage, ids["early"], "early", utc("2026-06-01T09:00"))
    await stage.tick(utc("2026-12-20T09:00"))
    await renewed(stage, ids["in-time"], "in-time", utc("2026-12-20T09:00"))
    await stage.act(ids["revoked"], Act(action=Action.PERMANENT_REVOKE), utc("2026-12-21T09:00"))
    await stage.tick(utc("2027-01-20T09:00"))
    await renewed(stage, ids["late"], "late", utc("2027-01-20T09:00"))
    await stage.tick(utc("2027-03-01T09:00"))
    await renewed(stage, ids["after"], "after", utc("2027-03-01T09:00"))
    in_time, late, open_ = Renewal.IN_TIME, Renewal.LATE, Renewal.OPEN
    lapsed, reinstated, revoked = Renewal.LAPSED, Renewal.REINSTATED, Renewal.REVOKED
    # Renewed half a year early: in the end that was in time, but by December it was settled.
    year = {in_time: 2, late: 1, reinstated: 1, lapsed: 1, revoked: 1}
    assert await outcomes(stage, "2026-01-10", "2027-04-01") == year
    december = {in_time: 1, open_: 3, revoked: 1}
    assert await outcomes(stage, "2026-12-01", "2027-01-01") == december
    assert await outcomes(stage, "2027-01-01", "2027-02-01") == {late: 1, open_: 2}
    assert await outcomes(stage, "2027-01-01", "2027-03-01") == {late: 1, lapsed: 2}
    assert await outcomes(stage, "2027-01-01", "2027-04-01") == {late: 1, lapsed: 1, reinstated: 1}
    # Of a period that goes on, what has come due so far.
    assert await outcomes(stage, "2027-01-01", "2027-12-01", "2027-01-05") == {}
    assert await outcomes(stage, "2026-12-01", "2027-12-01", "2026-12-20") == {open_: 5}


async def test_the_dates_tell_though_the_scheduler_is_late(stage: Stage) -> None:
    await certified(stage, "ann")
    async with transaction(stage.engine) as conn:
        period = Period(utc("2027-01-01T00:00"), utc("2027-03-01T00:00"))
        now = utc("2027-03-01T00:00")
        report = await reports.renewal_report(conn, stage.tenant, now, Chosen(), period)
    assert report.totals == {Renewal.LAPSED: 1}
    assert report.as_of < now


async def test_a_learner_counts_in_each_group(stage: Stage) -> None:
    certification = await stage.certification()
    (ann,) = await stage.enroll(certification, "ann", group="G1")
    await stage.command(ann, Enroll(source=Source.GROUP, group="G2"))
    await stage.enroll(certification, "bob", group="G2")
    await stage.enroll(certification, "cyd")
    for learner in ("ann", "bob", "cyd"):
        await stage.report(learner, passed(learner))
    period = Period(utc("2026-12-01T00:00"), utc("2027-01-10T00:00"))
    async with transaction(stage.engine) as conn:
        report = await reports.renewal_report(conn, stage.tenant, period.ends, Chosen(), period)
        of_one = await reports.renewal_report(
            conn, stage.tenant, period.ends, Chosen(group="G1"), period
        )
    assert report.totals == {Renewal.OPEN: 3}
    assert report.groups == {"G1": {Renewal.OPEN: 1}, "G2": {Renewal.OPEN: 2}}
    assert of_one.totals == {Renewal.OPEN: 1}
    assert list(of_one.groups) == ["G1"]
