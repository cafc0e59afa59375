"""Courses: what the LMS tells replaces what was known, and reaches the certifications."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from certsvc.domain.certification import Certification
from certsvc.domain.course import CourseState
from certsvc.domain.outcome import Refusal
from certsvc.domain.switch import BEGINNING
from certsvc.store import certifications, waking
from certsvc.store import courses as stored
from certsvc.store.courses import CourseRow
from certsvc.store.db import driver, transaction
from certsvc.store.errors import Conflict
from certsvc.store.versions import VersionRow
from certsvc.store.waking import Sleep
from certsvc.usecases import courses, draft_courses, versions
from certsvc.usecases.answers import NotFound
from certsvc.usecases.courses import ChangedCourse, CourseTold
from certsvc.usecases.tick import run_once
from certsvc.usecases.versions import NotPublishable, Published
from tests.support.programmes import CERTIFICATION, COURSE, ELSEWHERE, PRACTICE, definition, path
from tests.support.stage import BOSS, MONDAY, TENANT, Stage, days
from tests.support.statements import counted

TUESDAY = MONDAY + days(1)
FORKLIFT = "forklift"
EITHER = {"key": "e", "ways": [{"type": "course", "course_id": id} for id in ("C-1", "C-2")]}


async def told(stage: Stage, at_day: int = 0, *, dry_run: bool = False, **said: Any) -> CourseRow:
    return (await changed(stage, at_day, dry_run=dry_run, **said)).seen.course


async def changed(
    stage: Stage, at_day: int = 0, *, dry_run: bool = False, **said: Any
) -> ChangedCourse:
    if "state" in said:
        said["state"] = CourseState(said["state"])
    about = CourseTold(**{"id": "C-1", **said})
    async with transaction(stage.engine) as conn:
        now = MONDAY + days(at_day)
        return await courses.tell(conn, stage.tenant, now, about, dry_run=dry_run)


async def kept(stage: Stage, id: str = "C-1") -> CourseRow | None:
    async with transaction(stage.engine) as conn:
        return await stored.get(conn, stage.tenant.id, id)


async def named(stage: Stage, *documents: Any, id: UUID = CERTIFICATION, key: str = "x") -> None:
    """A certification that was published, so that it is known which courses it names."""
    await stage.certification(*documents, id=id, key=key)
    async with transaction(stage.engine) as conn:
        for number, document in enumerate(documents, start=1):
            ids = draft_courses._named(document)
            await stored.note_named(conn, stage.tenant.id, id, number, ids)


async def courses_revision(stage: Stage) -> int:
    async with transaction(stage.engine) as conn:
        number: int = await driver(conn).fetchval(
            "SELECT sum(courses_revision) FROM certifications"
        )
        return number


async def test_what_is_told_first_holds_with_defaults(stage: Stage) -> None:
    row = await told(stage)
    assert row == await kept(stage) == CourseRow(id="C-1", created_at=MONDAY, updated_at=MONDAY)
    assert row.archived.history == ((BEGINNING, False),)


async def test_what_is_told_replaces_what_was_known_but_for_the_revision(stage: Stage) -> None:
    full: dict[str, Any] = {
        "title": "Safety",
        "state": "unpublished",
        "revision": "1",
        "groups": ["b", "a", "b"],
        "overbooking": True,
        "metadata": {"a": 1},
    }
    first = await told(stage, **full)
    assert (first.title, first.state, first.revision) == ("Safety", "unpublished", "1")
    assert (first.groups, first.overbooking.now, first.metadata) == (("a", "b"), True, {"a": 1})
    second = await told(stage, 1)
    assert second == replace(
        first,
        title=None,
        state=CourseState.PUBLISHED,
        groups=None,
        overbooking=first.overbooking.turned(False, TUESDAY),
        metadata=None,
        updated_at=TUESDAY,
    )
    assert second.revisions == ((MONDAY, "1"),)


async def test_the_same_again_changes_nothing(stage: Stage) -> None:
    said: dict[str, Any] = {"revision": "1", "groups": ["a", "b"], "state": "archived"}
    await named(stage, definition())
    first = await told(stage, **said)
    before = await courses_revision(stage)
    assert await told(stage, 1, **{**said, "groups": ["b", "a"]}) == first
    assert await told(stage, 1, groups=["a", "b"], state="archived") == first
    assert await courses_revision(stage) == before
    assert await kept(stage) == first


async def test_an_instant_never_lies_before_the_last_change(stage: Stage) -> None:
    await told(stage, 1, revision="1")
    row = await told(stage, 0, state="archived")
    assert row.updated_at == TUESDAY
    assert row.archived.history[-1] == (TUESDAY, True)


@pytest.mark.parametrize("revision", [None, "2", "3"])
async def test_a_course_is_archived_with_its_newest_revision_or_without_one(
    stage: Stage, revision: str | None
) -> None:
    await told(stage, revision="1")
    await told(stage, revision="2")
    row = await told(stage, 1, state="archived", revision=revision)
    assert row.state is CourseState.ARCHIVED
    assert row.archived.history == ((BEGINNING, False), (TUESDAY, True))
    assert row.revision == (revision or "2")


async def test_a_course_that_has_a_new_revision_is_not_archived_with_the_old_one(
    stage: Stage,
) -> None:
    await told(stage, revision="1")
    current = await told(stage, revision="2", title="Safety", groups=["a"], overbooking=True)
    assert await told(stage, 1, state="archived", revision="1") == current
    gone = await told(stage, 1, state="archived", title="Safety")
    assert await told(stage, 2, state="archived", revision="1") == gone


async def test_a_new_revision_brings_an_archived_course_back(stage: Stage) -> None:
    await told(stage, revision="1")
    await told(stage, 1, revision="1", state="archived")
    row = await told(stage, 2, revision="2")
    wednesday = MONDAY + days(2)
    assert row.state is CourseState.PUBLISHED
    assert row.archived.history == ((BEGINNING, False), (TUESDAY, True), (wednesday, False))
    assert row.revisions == ((MONDAY, "1"), (wednesday, "2"))


async def test_an_old_revision_never_becomes_the_newest_again(stage: Stage) -> None:
    await told(stage, revision="1")
    await told(stage, revision="2")
    row = await told(stage, 1, revision="1", title="As it was")
    assert (row.revision, row.title) == ("2", "As it was")


async def test_a_dry_run_says_what_would_be_and_writes_nothing(stage: Stage) -> None:
    await named(stage, definition())
    would = await changed(stage, dry_run=True, state="archived", revision="1")
    assert would.seen.course.state is CourseState.ARCHIVED
    assert [(one.required, one.blocked) for one in would.seen.certifications] == [(True, True)]
    assert await kept(stage) is None
    first = await told(stage)
    would = await changed(stage, 1, dry_run=True, state="archived")
    assert would.seen.course.archived.now
    assert (await kept(stage), await courses_revision(stage)) == (first, 1)


async def test_only_what_the_rules_see_makes_certifications_be_read_anew(stage: Stage) -> None:
    await named(stage, definition())
    await named(stage, definition(path(PRACTICE)), id=ELSEWHERE, key="other")
    counts = []
    for said in (
        {},
        {"title": "Safety", "groups": ["a"], "metadata": {"a": 1}, "state": "unpublished"},
        {"overbooking": True},
        {"overbooking": True, "revision": "1"},
        {"overbooking": True, "state": "archived"},
    ):
        await told(stage, **said)
        counts.append(await courses_revision(stage))
    assert counts == [1, 1, 2, 3, 4]


async def test_the_certifications_concerned_say_whether_they_can_do_without(
    stage: Stage,
) -> None:
    await named(stage, definition(), key="needs-it")
    without = definition(path(EITHER, exam={"exam_id": "X-1", "passing_score": 70}))
    await named(stage, definition(), without, id=ELSEWHERE, key="has-another")
    await told(stage, id="C-2")
    seen = (await changed(stage, state="archived")).seen
    listed = [
        (one.naming.key, one.naming.versions, one.required, one.blocked)
        for one in seen.certifications
    ]
    assert listed == [("needs-it", (1,), True, True), ("has-another", (1, 2), False, False)]
    other = (await changed(stage, id="C-2", state="archived")).seen
    assert [(one.naming.key, one.required, one.blocked) for one in other.certifications] == [
        ("has-another", False, True)
    ]
    async with transaction(stage.engine) as conn:
        found = await courses.get(conn, stage.tenant, MONDAY, "C-2")
        assert found == other
        assert await courses.get(conn, stage.tenant, MONDAY, "C-9") == NotFound("course", "C-9")


async def test_many_courses_are_seen_in_two_statements(stage: Stage) -> None:
    await named(stage, definition())
    for number in range(3):
        await told(stage, id=f"C-{number}")
    async with transaction(stage.engine) as conn:
        rows = await stored.page(conn, TENANT, limit=10)
        await courses.with_certifications(conn, stage.tenant, MONDAY, rows)
    with counted(stage.engine) as statements:
        async with transaction(stage.engine) as conn:
            seen = await courses.with_certifications(conn, stage.tenant, MONDAY, rows)
    assert [len(one.certifications) for one in seen] == [0, 1, 0]
    assert len(statements.work) == 2


async def test_of_many_who_tell_first_one_makes_the_course(stage: Stage) -> None:
    await named(stage, definition())
    rows = await asyncio.gather(*(told(stage, revision=str(n)) for n in range(20)))
    last = await kept(stage)
    assert last is not None
    assert sorted(name for _, name in last.revisions) == sorted(str(n) for n in range(20))
    assert {row.created_at for row in rows} == {MONDAY}
    assert await courses_revision(stage) == 20


async def test_a_course_that_nobody_told_of_is_made_once(stage: Stage) -> None:
    await named(stage, definition())

    async def ensured() -> CourseRow:
        async with transaction(stage.engine) as conn:
            return await courses.ensure(conn, stage.tenant, MONDAY, "C-1")

    rows = await asyncio.gather(*(ensured() for _ in range(10)))
    assert set(map(repr, rows)) == {repr(await kept(stage))}
    assert rows[0] == CourseRow(id="C-1", created_at=MONDAY, updated_at=MONDAY)
    assert await courses_revision(stage) == 1
    await told(stage, state="archived")
    assert (await ensured()).state is CourseState.ARCHIVED


async def test_courses_of_two_tenants_have_nothing_to_do_with_each_other(stage: Stage) -> None:
    other = await Stage.set(stage.engine, uuid4(), key="other")
    await named(stage, definition())
    gone = await changed(other, state="archived")
    assert gone.seen.certifications == ()
    assert await kept(stage) is None
    assert await courses_revision(stage) == 0


# Publishing


async def drafted(stage: Stage, document: Any) -> None:
    async with transaction(stage.engine) as conn:
        made = await versions.draft(conn, stage.tenant, MONDAY, FORKLIFT, document)
        assert isinstance(made, VersionRow)


async def published(
    stage: Stage, number: int = 2, *, dry_run: bool = False
) -> Published | NotFound | Refusal | NotPublishable:
    async with transaction(stage.engine) as conn:
        return await versions.publish(
            conn, stage.tenant, TUESDAY, FORKLIFT, number, BOSS, dry_run=dry_run
        )


async def test_what_stands_against_each_course_is_said_where_it_is_named(stage: Stage) -> None:
    await stage.certification()
    other = {"key": "other", "ways": [{"type": "course", "course_id": "C-2"}]}
    third = {"key": "third", "ways": [{"type": "session", "course_id": "C-3"}]}
    await drafted(stage, definition(path(COURSE, third), recertification=path(other)))
    await told(stage, state="archived", groups=["x"])
    await told(stage, id="C-2", state="unpublished")
    await told(stage, id="C-3", groups=["drivers"])
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            "INSERT INTO certification_groups VALUES ($1, $2, 'fitters', $3)",
            TENANT,
            CERTIFICATION,
            MONDAY,
        )
    for dry_run in (True, False):
        answer = await published(stage, dry_run=dry_run)
        assert isinstance(answer, NotPublishable)
        assert [(reason.pointer, reason.code) for reason in answer.reasons] == [
            ("/initial/steps/0/ways/0/course_id", "course_archived"),
            ("/initial/steps/1/ways/0/course_id", "course_closed_to_group"),
            ("/recertification/steps/0/ways/0/course_id", "course_unpublished"),
        ]


async def test_publishing_notes_the_courses_of_every_path_once(stage: Stage) -> None:
    await stage.certification()
    other = {"key": "other", "ways": [{"type": "session", "course_id": "C-7"}]}
    await drafted(stage, definition(path(COURSE, PRACTICE), reinstatement=path(COURSE, other)))
    assert isinstance(await published(stage, dry_run=True), Published)
    async with transaction(stage.engine) as conn:
        assert await stored.namings(conn, TENANT, ["C-1", "C-7"]) == []
    assert isinstance(await published(stage), Published)
    async with transaction(stage.engine) as conn:
        found = await stored.namings(conn, TENANT, ["C-1", "C-7"])
    assert [(one.course_id, one.versions) for one in found] == [("C-1", (2,)), ("C-7", (2,))]


async def test_a_draft_that_is_replaced_meanwhile_is_begun_with_again(stage: Stage) -> None:
    await stage.certification()
    await drafted(stage, definition())
    async with transaction(stage.engine) as conn:
        held = await draft_courses.hold(conn, stage.tenant, FORKLIFT, 2)
        await draft_courses.told(conn, stage.tenant, held, definition())
        with pytest.raises(Conflict):
            await draft_courses.told(conn, stage.tenant, held, definition(path(PRACTICE)))


async def test_a_course_told_while_a_version_is_published_is_not_missed(stage: Stage) -> None:
    """The two exclude each other: the second knows of the first, so nobody keeps what is old."""
    await stage.certification()
    await drafted(stage, definition())
    await asyncio.gather(published(stage), changed(stage, 1, revision="1", overbooking=True))
    async with transaction(stage.engine) as conn:
        found = await certifications.load_by_ids(conn, TENANT, [CERTIFICATION])
    assert found[CERTIFICATION].courses["C-1"].overbooking.now
    seen = await changed(stage, 1, revision="1", overbooking=True)
    assert [one.naming.versions for one in seen.seen.certifications] == [(2,)]


# Who waits


async def test_certifications_in_which_nobody_waits_are_passed_by(stage: Stage) -> None:
    certification = await stage.certification(definition(effective_from="2027-01-01"))
    await stage.certification(id=ELSEWHERE, key="other")
    ids = [ELSEWHERE, CERTIFICATION]
    async with transaction(stage.engine) as conn:
        assert await waking.resting(conn, TENANT, ids, Sleep.OPENING, MONDAY) == []
    await stage.enroll(certification, "ann")
    async with transaction(stage.engine) as conn:
        resting = await waking.resting(conn, TENANT, ids, Sleep.OPENING, MONDAY)
    assert resting == [CERTIFICATION]


async def test_who_slept_through_a_change_of_a_course_is_woken_again(stage: Stage) -> None:
    await named(stage, definition(effective_from="2027-01-01"), key=FORKLIFT)
    async with transaction(stage.engine) as conn:
        loaded = await certifications.load_by_ids(conn, TENANT, [CERTIFICATION])
    (id,) = await stage.enroll(loaded[CERTIFICATION], "ann")
    since = MONDAY - days(1)
    async with transaction(stage.engine) as conn:
        assert await waking.wake_again(conn, TENANT, since, TUESDAY) == 0
    await told(stage, id="C-9")
    async with transaction(stage.engine) as conn:
        assert await waking.wake_again(conn, TENANT, since, TUESDAY) == 0
    await told(stage, state="archived")
    async with transaction(stage.engine) as conn:
        assert await waking.wake_again(conn, TENANT, since, TUESDAY) == 1
    (row,) = await stage.read(id)
    assert row.next_due_at == TUESDAY


async def loaded(stage: Stage, id: UUID) -> Certification:
    async with transaction(stage.engine) as conn:
        return (await certifications.load_by_ids(conn, stage.tenant.id, [id]))[id]


async def works(stage: Stage, *ids: UUID) -> list[str]:
    return [row.enrollment.work.value for row in await stage.read(*sorted(ids))]


async def test_of_very_many_certifications_the_tick_opens_the_rest(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courses, "AT_ONCE", 1)
    await named(stage, definition(), key="a")
    await named(stage, definition(), id=ELSEWHERE, key="b")
    await told(stage, state="archived")
    (ann,) = await stage.enroll(await loaded(stage, CERTIFICATION), "ann")
    (bob,) = await stage.enroll(await loaded(stage, ELSEWHERE), "bob")
    assert await works(stage, ann, bob) == ["waiting", "waiting"]
    would = await changed(stage, 1, dry_run=True)
    did = await changed(stage, 1)
    for answer in (would, did):
        assert (answer.opened.count, sorted(answer.opened.sample)) == (2, sorted([ann, bob]))
    assert sorted(await works(stage, ann, bob)) == ["not_started", "waiting"]
    await run_once(stage.engine, TUESDAY, 100)
    assert await works(stage, ann, bob) == ["not_started", "not_started"]
    for row in await stage.read(ann, bob):
        assert row.enrollment.cycle is not None
        assert row.enrollment.cycle.opened_at == TUESDAY
