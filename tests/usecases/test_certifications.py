"""Certifications: their switches act at once, and say first what they would do."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.outcome import Refusal
from certsvc.domain.status import Flag, Status
from certsvc.store.db import driver, transaction
from certsvc.usecases import certifications, upkeep, waking
from certsvc.usecases.answers import NotFound, Stale
from certsvc.usecases.certifications import CertificationChange, Changed, NewCertification
from certsvc.usecases.effect import Effect
from certsvc.usecases.tick import run_once
from tests.support.programmes import ELSEWHERE, utc
from tests.support.stage import BOSS, MONDAY, Stage, days
from tests.usecases.test_tick import certified, multiplied, statuses

IN_WINDOW = utc("2026-12-20T00:00")
ON = CertificationChange(automatic_recertification=True)


async def changed(
    stage: Stage, change: CertificationChange, at: datetime = IN_WINDOW, **options: Any
) -> Changed:
    async with transaction(stage.engine) as conn:
        answer = await certifications.change(
            conn, stage.tenant, at, "forklift", change, BOSS, **options
        )
    assert isinstance(answer, Changed), answer
    return answer


async def told(stage: Stage) -> list[tuple[str, Any]]:
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch(
            "SELECT type, data FROM events WHERE enrollment_id IS NULL ORDER BY recorded_at, id"
        )
        return [(row[0], row[1]) for row in rows]


async def windows_open(stage: Stage, number: int) -> list[UUID]:
    """So many hold a certificate whose window opened and was told, and nobody recertified."""
    (first,) = await certified(stage, "ann")
    await run_once(stage.engine, IN_WINDOW - days(5), 1000)
    await multiplied(stage, first, number - 1)
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch("SELECT id FROM enrollments ORDER BY id")
        return [row[0] for row in rows]


async def test_a_key_is_taken_once(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        new = NewCertification(key="bls", title={"en": "BLS"})
        made = await certifications.create(conn, stage.tenant, MONDAY, new)
        assert not isinstance(made, Refusal)
        again = await certifications.create(conn, stage.tenant, MONDAY, new)
        assert isinstance(again, Refusal)
        assert (again.code, again.invalid) == ("key_taken", False)
        for reference in ("bls", made.id, str(made.id)):
            assert await certifications.get(conn, stage.tenant, reference) == made


async def test_what_is_unknown_is_not_found(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        for reference in ("nowhere", uuid4()):
            found = await certifications.get(conn, stage.tenant, reference)
            assert found == NotFound("certification", str(reference))
            answer = await certifications.change(conn, stage.tenant, MONDAY, reference, ON, BOSS)
            assert isinstance(answer, NotFound)


async def test_a_change_is_written_with_its_event_and_the_same_again_is_not(
    stage: Stage,
) -> None:
    await stage.certification()
    change = CertificationChange(title={"en": "Lift"}, hidden=True, active=True)
    first = await changed(stage, change)
    again = await changed(stage, change)
    assert (first.certification.title, first.certification.hidden) == ({"en": "Lift"}, True)
    assert again.certification == first.certification
    assert await told(stage) == [
        ("certification.changed", {"changes": {"title": {"en": "Lift"}, "hidden": True}})
    ]


async def test_a_stale_revision_changes_nothing(stage: Stage) -> None:
    await stage.certification()
    async with transaction(stage.engine) as conn:
        answer = await certifications.change(
            conn, stage.tenant, MONDAY, "forklift", ON, BOSS, expected_revision=7
        )
    assert answer == Stale(1)
    assert await told(stage) == []


async def test_automatic_recertification_turned_on_opens_the_windows_at_once(
    stage: Stage,
) -> None:
    ids = await windows_open(stage, 3)
    assert {row.enrollment.status for row in await stage.read(*ids)} == {Status.CERTIFIED}
    would = await changed(stage, ON, dry_run=True)
    assert (would.effect.opened, set(would.effect.sample)) == (3, set(ids))
    assert would.certification.automatic.now
    assert await statuses(stage) == {"certified": 3}
    did = await changed(stage, ON)
    assert did.effect.opened == 3
    assert await statuses(stage) == {"recertifying": 3}
    for row in await stage.read(*ids):
        assert row.enrollment.cycle is not None
        assert row.enrollment.cycle.opened_at == IN_WINDOW


async def counted_rows(stage: Stage) -> list[Any]:
    """Everything that a dry run might write."""
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch(
            "SELECT (SELECT count(*) FROM events), (SELECT sum(revision) FROM certifications), "
            "(SELECT md5(string_agg(e::text, '|' ORDER BY id)) FROM enrollments e), "
            "(SELECT count(*) FROM versions WHERE state = 'published')"
        )
    return [tuple(row) for row in rows]


async def test_turning_it_on_or_off_says_whom_it_concerns(stage: Stage) -> None:
    """Of five with a certificate, one is in a cycle already, one had it cancelled, and one was
    stopped."""
    ids = await certified(stage, "ann", "bob", "cid", "dan", "eve")
    await stage.act(ids[1], Act(action=Action.RECERTIFY, early=True), MONDAY + days(1))
    await stage.act(ids[2], Act(action=Action.RECERTIFY, early=True), MONDAY + days(1))
    await stage.act(ids[2], Act(action=Action.CANCEL), MONDAY + days(2))
    stop = Act(action=Action.CHANGE_NEXT_RECERTIFICATION, next="never")
    await stage.act(ids[3], stop, MONDAY + days(2))
    for value in (True, False):
        turn = CertificationChange(automatic_recertification=value)
        before = await counted_rows(stage)
        would = await changed(stage, turn, MONDAY + days(3), dry_run=True)
        assert await counted_rows(stage) == before
        did = await changed(stage, turn, MONDAY + days(3))
        assert did.effect == would.effect
        assert (would.effect.concerned, set(would.effect.sample)) == (2, {ids[0], ids[4]})
    again = await changed(stage, turn)
    assert again.effect == Effect()


async def test_the_statuses_told_are_those_that_come(stage: Stage) -> None:
    ids = await windows_open(stage, 3)
    await stage.enroll(await stage.certification(id=ELSEWHERE, key="other"), "zoe")
    would = await changed(stage, ON, dry_run=True)
    assert would.effect.statuses == {"recertifying": 3}
    assert (await changed(stage, ON)).effect == would.effect
    assert {row.enrollment.status for row in await stage.read(*ids)} == {Status.RECERTIFYING}


async def test_archiving_says_with_whom_it_is_not_over_and_who_goes_on_when_it_is_back(
    stage: Stage,
) -> None:
    holder, gone = await certified(stage, "ann", "bob", automatic=True)
    (open_id,) = await stage.enroll((await stage.read(holder))[0].certification, "cid")
    await stage.act(gone, Act(action=Action.PERMANENT_REVOKE))

    async def turned(archive: bool, at: Any, dry_run: bool) -> Changed:
        turn = certifications.archive if archive else certifications.unarchive
        async with transaction(stage.engine) as conn:
            answer = await turn(conn, stage.tenant, at, "forklift", BOSS, dry_run=dry_run)
        assert isinstance(answer, Changed)
        assert answer.certification.archived.now is archive
        return answer

    before = await counted_rows(stage)
    would = await turned(True, MONDAY, True)
    assert await counted_rows(stage) == before
    statuses_now = {"certified": 1, "disallowed": 1, "not_started": 1}
    assert (would.effect.concerned, would.effect.statuses) == (2, statuses_now)
    assert set(would.effect.sample) == {holder, open_id}
    assert (await turned(True, MONDAY, False)).effect == would.effect
    await run_once(stage.engine, IN_WINDOW, 100)
    before = await counted_rows(stage)
    would = await turned(False, IN_WINDOW, True)
    assert await counted_rows(stage) == before
    assert (would.effect.opened, would.effect.sample[0]) == (1, holder)
    assert would.effect.statuses == {"recertifying": 1, "disallowed": 1, "not_started": 1}
    assert (await turned(False, IN_WINDOW, False)).effect == would.effect
    assert await statuses(stage) == would.effect.statuses


async def test_of_very_many_the_tick_opens_the_rest(stage: Stage) -> None:
    await windows_open(stage, waking.AT_ONCE + 40)
    would = await changed(stage, ON, dry_run=True)
    did = await changed(stage, ON)
    assert would.effect.opened == did.effect.opened == waking.AT_ONCE + 40
    assert len(did.effect.sample) == waking.SAMPLE
    assert await statuses(stage) == {"recertifying": waking.AT_ONCE, "certified": 40}
    await run_once(stage.engine, IN_WINDOW, 1000)
    assert await statuses(stage) == {"recertifying": waking.AT_ONCE + 40}


async def test_in_a_sandbox_all_of_it_happens_at_once(sandbox: Stage) -> None:
    (first,) = await certified(sandbox, "ann")
    await sandbox.tick(IN_WINDOW - days(5))
    await multiplied(sandbox, first, waking.AT_ONCE + 4)
    did = await changed(sandbox, ON)
    assert did.effect.opened == waking.AT_ONCE + 5
    assert await statuses(sandbox) == {"recertifying": waking.AT_ONCE + 5}


async def test_an_archived_certification_holds_back_what_would_open(stage: Stage) -> None:
    (id,) = await certified(stage, "ann", automatic=True)
    async with transaction(stage.engine) as conn:
        row = await certifications.archive(conn, stage.tenant, MONDAY, "forklift", BOSS)
        again = await certifications.archive(conn, stage.tenant, MONDAY, "forklift", BOSS)
    assert isinstance(row, Changed)
    assert again == Changed(row.certification)
    await run_once(stage.engine, IN_WINDOW, 100)
    (locked,) = await stage.read(id)
    assert locked.enrollment.status is Status.CERTIFIED
    async with transaction(stage.engine) as conn:
        await certifications.unarchive(conn, stage.tenant, IN_WINDOW, "forklift", BOSS)
    (locked,) = await stage.read(id)
    assert locked.enrollment.status is Status.RECERTIFYING
    assert [type for type, _ in await told(stage)] == [
        "certification.archived",
        "certification.unarchived",
    ]


async def test_archiving_takes_the_flag_of_who_is_due_for_recertification(stage: Stage) -> None:
    (id,) = await windows_open(stage, 1)
    (row,) = await stage.read(id)
    assert Flag.DUE_FOR_RECERTIFICATION in row.flags
    async with transaction(stage.engine) as conn:
        await certifications.archive(conn, stage.tenant, IN_WINDOW, "forklift", BOSS)
    (row,) = await stage.read(id)
    assert Flag.DUE_FOR_RECERTIFICATION not in row.flags


async def test_who_slept_through_a_change_is_woken_again(stage: Stage) -> None:
    """A row that somebody saves after the change, with a certification read before it."""
    (id,) = await windows_open(stage, 1)
    await changed(stage, ON)
    async with transaction(stage.engine) as conn:
        await driver(conn).execute("DELETE FROM enrollments")
    other = await Stage.set(stage.engine, uuid4(), key="other")
    (bob,) = await certified(other, "bob")
    await run_once(stage.engine, IN_WINDOW, 100)
    async with transaction(stage.engine) as conn:
        # Switched on behind the row's back, as it were.
        await driver(conn).execute(
            "UPDATE certifications SET automatic_history = automatic_history || "
            "jsonb_build_array(jsonb_build_array($1::text, true)), revision = revision + 1, "
            "automatic_recertification = true, updated_at = $2 WHERE tenant_id = $3",
            IN_WINDOW.isoformat(),
            IN_WINDOW,
            other.tenant.id,
        )
    assert (await run_once(stage.engine, IN_WINDOW, 100)).rows == 0
    async with transaction(stage.engine) as conn:
        since = IN_WINDOW - days(1)
        assert await upkeep.wake_again(conn, since, IN_WINDOW + days(1)) == 1
    await run_once(stage.engine, IN_WINDOW + days(1), 100)
    (row,) = await other.read(bob)
    assert row.enrollment.status is Status.RECERTIFYING
    assert id != bob


async def test_two_changes_at_once_both_stand(stage: Stage) -> None:
    await stage.certification()
    await asyncio.gather(
        changed(stage, CertificationChange(hidden=True)),
        changed(stage, CertificationChange(active=False)),
    )
    async with transaction(stage.engine) as conn:
        row = await certifications.get(conn, stage.tenant, "forklift")
    assert not isinstance(row, NotFound)
    assert (row.hidden, row.active, row.revision) == (True, False, 3)


async def test_the_certification_of_another_is_left_alone(stage: Stage) -> None:
    await windows_open(stage, 1)
    await stage.certification(id=ELSEWHERE, key="other")
    async with transaction(stage.engine) as conn:
        answer = await certifications.change(conn, stage.tenant, IN_WINDOW, "other", ON, BOSS)
    assert isinstance(answer, Changed)
    assert answer.effect.opened == 0
