"""Versions: drafts come one at a time, and what is published stands."""

import asyncio
from typing import Any

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.outcome import Refusal
from certsvc.domain.status import Status, Work
from certsvc.store.db import driver, transaction
from certsvc.store.versions import VersionRow
from certsvc.usecases import versions
from certsvc.usecases.answers import NotFound
from certsvc.usecases.enroll import Enrolled, EnrollRequest, enroll
from certsvc.usecases.versions import NotPublishable, Published
from tests.support.programmes import definition, path
from tests.support.stage import BOSS, MONDAY, Stage, days
from tests.usecases.test_tick import passed

FORKLIFT = "forklift"


async def drafted(stage: Stage, document: Any = None) -> VersionRow | NotFound | Refusal:
    async with transaction(stage.engine) as conn:
        return await versions.draft(conn, stage.tenant, MONDAY, FORKLIFT, document or definition())


async def published(
    stage: Stage, number: int, *, dry_run: bool = False, at_day: int = 1
) -> Published | NotFound | Refusal | NotPublishable:
    async with transaction(stage.engine) as conn:
        now = MONDAY + days(at_day)
        return await versions.publish(
            conn, stage.tenant, now, FORKLIFT, number, BOSS, dry_run=dry_run
        )


async def test_drafts_come_one_at_a_time(stage: Stage) -> None:
    await stage.certification()
    first, second = await drafted(stage), await drafted(stage)
    assert isinstance(first, VersionRow)
    assert (first.number, first.state) == (2, "draft")
    assert isinstance(second, Refusal)
    assert second.code == "draft_exists"


async def test_a_draft_may_be_replaced_and_a_published_version_never(stage: Stage) -> None:
    await stage.certification()
    await drafted(stage)
    other = definition(day_rule="exact")
    async with transaction(stage.engine) as conn:
        row = await versions.replace_draft(conn, stage.tenant, MONDAY, FORKLIFT, 2, other)
        assert isinstance(row, VersionRow)
        assert await versions.get_version(conn, stage.tenant, FORKLIFT, 2) == row
        for number, expected in ((1, Refusal), (3, NotFound)):
            answer = await versions.replace_draft(
                conn, stage.tenant, MONDAY, FORKLIFT, number, other
            )
            assert isinstance(answer, expected)
    await published(stage, 2)
    async with transaction(stage.engine) as conn:
        answer = await versions.replace_draft(conn, stage.tenant, MONDAY, FORKLIFT, 2, other)
    assert isinstance(answer, Refusal)
    assert answer.code == "version_published"


async def test_every_reason_against_publishing_is_listed(stage: Stage) -> None:
    await stage.certification()
    ungraded = path({"key": "s", "ways": [{"type": "course", "course_id": "C-1"}]})
    await drafted(stage, definition(ungraded, renewal_opens="P2Y"))
    answer = await published(stage, 2)
    assert isinstance(answer, NotPublishable)
    assert len(answer.reasons) >= 2
    async with transaction(stage.engine) as conn:
        row = await versions.get_version(conn, stage.tenant, FORKLIFT, 2)
    assert isinstance(row, VersionRow)
    assert row.state == "draft"


async def test_publishing_is_done_once_and_told(stage: Stage) -> None:
    await stage.certification()
    await drafted(stage)
    answers = await asyncio.gather(*(published(stage, 2) for _ in range(3)))
    assert sorted(type(answer).__name__ for answer in answers) == [
        "Published",
        "Refusal",
        "Refusal",
    ]
    async with transaction(stage.engine) as conn:
        told = await driver(conn).fetch("SELECT type, data, reason FROM events")
        listed = await versions.list_versions(conn, stage.tenant, FORKLIFT, None, 10)
    assert [tuple(row) for row in told] == [("certification.published", {"version": 2}, "because")]
    assert not isinstance(listed, NotFound)
    assert [row.number for row in listed] == [1, 2]


async def test_a_dry_run_counts_and_writes_nothing(stage: Stage) -> None:
    certification = await stage.certification()
    await stage.enroll(certification, "ann", "bob")
    await drafted(stage)
    answer = await published(stage, 2, dry_run=True)
    assert isinstance(answer, Published)
    assert (answer.effect.statuses, answer.effect.opened) == ({"not_started": 2}, 0)
    async with transaction(stage.engine) as conn:
        row = await versions.get_version(conn, stage.tenant, FORKLIFT, 2)
    assert isinstance(row, VersionRow)
    assert row.state == "draft"


async def test_publishing_says_whom_it_concerns_and_which_cycles_stay(stage: Stage) -> None:
    """Two hold a certificate, of whom one was stopped; two are at it, one of them paused; one
    gave up."""
    certification = await stage.certification()
    ids = await stage.enroll(certification, "ann", "bob", "cid", "dan", "eve")
    for learner in ("ann", "bob"):
        await stage.report(learner, passed(learner))
    stop = Act(action=Action.CHANGE_NEXT_RECERTIFICATION, next="never")
    await stage.act(ids[1], stop)
    await stage.act(ids[3], Act(action=Action.DEACTIVATE))
    await stage.act(ids[4], Act(action=Action.CANCEL))
    await drafted(stage)
    would = await published(stage, 2, dry_run=True)
    did = await published(stage, 2)
    assert isinstance(would, Published)
    assert isinstance(did, Published)
    assert would.effect == did.effect
    assert (would.effect.concerned, set(would.effect.sample)) == (3, {ids[0], ids[2], ids[3]})
    assert would.effect.versions == {1: 2}
    assert would.effect.statuses == {
        "cancelled": 1,
        "certified": 2,
        "inactive": 1,
        "not_started": 1,
    }


async def test_who_waited_for_a_version_in_effect_begins_when_one_is_published(
    stage: Stage,
) -> None:
    await stage.certification(definition(effective_from="2027-01-01"))
    async with transaction(stage.engine) as conn:
        request = EnrollRequest(certification=FORKLIFT, learner_id="ann")
        (waiting,) = await enroll(conn, stage.tenant, MONDAY, [request], BOSS)
    assert isinstance(waiting, Enrolled)
    assert waiting.enrollment.work is Work.WAITING
    await drafted(stage)
    would = await published(stage, 2, dry_run=True)
    assert isinstance(would, Published)
    assert would.effect.opened == 1
    did = await published(stage, 2)
    assert isinstance(did, Published)
    assert (did.effect.opened, did.effect.sample) == (1, (waiting.enrollment.id,))
    (row,) = await stage.read(waiting.enrollment.id)
    assert row.enrollment.work is Work.NOT_STARTED
    assert row.enrollment.status is Status.NOT_STARTED
    assert row.enrollment.cycle is not None
    assert row.enrollment.cycle.version == 2


async def test_open_cycles_stay_on_their_version(stage: Stage) -> None:
    (id,) = await stage.enroll(await stage.certification(), "ann")
    await drafted(stage)
    await published(stage, 2)
    (row,) = await stage.read(id)
    assert row.enrollment.cycle is not None
    assert row.enrollment.cycle.version == 1


async def test_what_is_unknown_is_not_found(stage: Stage) -> None:
    await stage.certification()
    answer = await published(stage, 9)
    assert answer == NotFound("version", "9")
