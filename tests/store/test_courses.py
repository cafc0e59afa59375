"""Courses are kept as they were told, and certifications are loaded with those that they name."""

import asyncio
from dataclasses import replace
from uuid import UUID

from certsvc.domain.course import Course, CourseState
from certsvc.domain.switch import OFF
from certsvc.store import certifications, courses
from certsvc.store.courses import CourseRow, Naming
from certsvc.store.db import driver, transaction
from tests.support.plans import indexes
from tests.support.programmes import CERTIFICATION, ELSEWHERE, definition
from tests.support.stage import MONDAY, TENANT, Stage, days

BARE = CourseRow(id="C-1", created_at=MONDAY, updated_at=MONDAY)
FULL = CourseRow(
    id="C-1",
    title="Safety 101",
    state=CourseState.ARCHIVED,
    groups=("drivers", "fitters"),
    overbooking=OFF.turned(True, MONDAY),
    archived=OFF.turned(True, MONDAY).turned(False, MONDAY).turned(True, MONDAY + days(1)),
    revisions=((MONDAY, "1"), (MONDAY + days(1), "2")),
    metadata={"owner": ["hr"]},
    created_at=MONDAY,
    updated_at=MONDAY + days(1),
)


async def put(stage: Stage, *rows: CourseRow) -> None:
    async with transaction(stage.engine) as conn:
        for row in rows:
            assert await courses.insert(conn, stage.tenant.id, row)


async def test_a_course_reads_back_as_it_was_written(stage: Stage) -> None:
    await put(stage, FULL, replace(BARE, id="C-2"), replace(BARE, id="C-3", groups=()))
    async with transaction(stage.engine) as conn:
        assert await courses.get(conn, TENANT, "C-1") == FULL
        assert await courses.get(conn, TENANT, "C-2", lock=True) == replace(BARE, id="C-2")
        assert await courses.get(conn, TENANT, "C-3") == replace(BARE, id="C-3", groups=())
        assert await courses.get(conn, TENANT, "C-4") is None
        assert await courses.get(conn, UUID(int=9), "C-1") is None
        known = await courses.known(conn, TENANT, ["C-2", "C-1", "C-9"])
        assert sorted(row.id for row in known) == ["C-1", "C-2"]
        assert await courses.known(conn, TENANT, []) == []


async def test_a_course_is_made_once_and_changed_after_that(stage: Stage) -> None:
    await put(stage, BARE)
    async with transaction(stage.engine) as conn:
        assert not await courses.insert(conn, TENANT, FULL)
        assert await courses.get(conn, TENANT, "C-1") == BARE
        await courses.update(conn, TENANT, FULL)
        assert await courses.get(conn, TENANT, "C-1") == FULL


async def test_the_rules_see_the_switches_and_the_revisions(stage: Stage) -> None:
    assert FULL.revision == "2"
    assert BARE.revision is None
    assert FULL.course == Course("C-1", FULL.archived, FULL.overbooking, FULL.revisions)


async def test_a_page_goes_by_the_id_through_the_key(stage: Stage) -> None:
    rows = [replace(BARE, id=id) for id in ("C-1", "C-10", "C-2", "c-1")]
    gone = replace(BARE, id="C-11", state=CourseState.ARCHIVED)
    await put(stage, *rows, gone)
    async with transaction(stage.engine) as conn:
        first = await courses.page(conn, TENANT, limit=3)
        rest = await courses.page(conn, TENANT, after=first[-1].id, limit=3)
        archived = await courses.page(conn, TENANT, state=CourseState.ARCHIVED, limit=3)
        assert sorted(row.id for row in (*first, *rest)) == sorted(row.id for row in (*rows, gone))
        assert archived == [gone]
        await driver(conn).execute("SET LOCAL enable_seqscan = off")
        used = await indexes(conn, courses._PAGE, TENANT, "C-1", None, 50)
    assert used == {"courses_pkey"}


async def test_a_certification_is_loaded_with_the_courses_that_it_names(stage: Stage) -> None:
    made = await stage.certification()
    assert made.courses == {}
    await put(stage, FULL, replace(BARE, id="C-2"))
    async with transaction(stage.engine) as conn:
        await certifications.touch_courses(conn, TENANT, [CERTIFICATION])
        found = await certifications.load_by_ids(conn, TENANT, [CERTIFICATION])
    assert found[CERTIFICATION].courses == {"C-1": FULL.course}


async def test_what_concerns_courses_leaves_the_revision_that_people_see(stage: Stage) -> None:
    await stage.certification()
    async with transaction(stage.engine) as conn:
        before = await certifications.get(conn, TENANT, "forklift")
        await certifications.touch_courses(conn, TENANT, [CERTIFICATION, ELSEWHERE])
        assert await certifications.get(conn, TENANT, "forklift") == before


async def test_whoever_keeps_a_certification_reads_it_anew_when_a_course_changes(
    stage: Stage,
) -> None:
    (id,) = await stage.enroll(await stage.certification(), "ann")
    await put(stage, BARE)
    async with transaction(stage.engine) as conn:
        await certifications.touch_courses(conn, TENANT, [CERTIFICATION])
    (row,) = await stage.read(id)
    assert row.certification.courses == {"C-1": BARE.course}
    async with transaction(stage.engine) as conn:
        await courses.update(conn, TENANT, FULL)
        await certifications.touch_courses(conn, TENANT, [CERTIFICATION])
        # Not committed yet: others keep what they have, and this reading is not kept.
        found = await certifications.load_by_ids(conn, TENANT, [CERTIFICATION])
        assert found[CERTIFICATION].courses == {"C-1": FULL.course}
        (row,) = await stage.read(id)
        assert row.certification.courses == {"C-1": BARE.course}
    (row,) = await stage.read(id)
    assert row.certification.courses == {"C-1": FULL.course}
    assert (await stage.read(id))[0].certification is row.certification


async def test_what_was_rolled_back_is_not_kept(stage: Stage) -> None:
    await stage.certification()
    await put(stage, BARE)
    async with transaction(stage.engine) as conn:
        await courses.update(conn, TENANT, FULL)
        await certifications.touch_courses(conn, TENANT, [CERTIFICATION])
        await certifications.load_by_ids(conn, TENANT, [CERTIFICATION])
        await conn.rollback()
    other = replace(BARE, overbooking=OFF.turned(True, MONDAY))
    async with transaction(stage.engine) as conn:
        await courses.update(conn, TENANT, other)
        await certifications.touch_courses(conn, TENANT, [CERTIFICATION])
    async with transaction(stage.engine) as conn:
        found = await certifications.load_by_ids(conn, TENANT, [CERTIFICATION])
    assert found[CERTIFICATION].courses == {"C-1": other.course}


async def test_the_certifications_that_name_courses_come_with_their_versions(
    stage: Stage,
) -> None:
    await stage.certification()
    await stage.certification(definition(), id=ELSEWHERE, key="crane")
    async with transaction(stage.engine) as conn:
        for version in (2, 1, 2):
            await courses.note_named(conn, TENANT, CERTIFICATION, version, ["C-1", "C-2"])
        await courses.note_named(conn, TENANT, ELSEWHERE, 1, ["C-2"])
        await courses.note_named(conn, TENANT, ELSEWHERE, 2, [])
        await courses.note_named(conn, UUID(int=9), ELSEWHERE, 2, ["C-1"])
        found = await courses.namings(conn, TENANT, ["C-2", "C-1", "C-3"])
    assert found == [
        Naming("C-1", CERTIFICATION, "forklift", "Forklift", (1, 2)),
        Naming("C-2", CERTIFICATION, "forklift", "Forklift", (1, 2)),
        Naming("C-2", ELSEWHERE, "crane", "Forklift", (1,)),
    ]


async def test_a_course_is_closed_to_a_target_that_is_not_among_its_groups(stage: Stage) -> None:
    open_to_all = replace(BARE, id="C-2")
    await put(stage, FULL, open_to_all, replace(BARE, id="C-3", groups=("drivers",)))
    async with transaction(stage.engine) as conn:

        async def closed() -> set[str]:
            asked = ["C-1", "C-2", "C-3"]
            return await courses.closed_to_targets(conn, TENANT, CERTIFICATION, asked)

        assert await closed() == set()
        for group in ("drivers", "fitters"):
            await driver(conn).execute(
                "INSERT INTO certification_groups VALUES ($1, $2, $3, $4)",
                TENANT,
                CERTIFICATION,
                group,
                MONDAY,
            )
        assert await closed() == {"C-3"}


async def test_who_tells_of_a_course_waits_for_those_who_publish_it(stage: Stage) -> None:
    done: list[str] = []

    async def tell() -> None:
        async with transaction(stage.engine) as conn:
            await courses.hold(conn, TENANT, ["C-2"])
            done.append("told")

    async with transaction(stage.engine) as one, transaction(stage.engine) as two:
        await courses.hold(one, TENANT, ["C-1", "C-2"], shared=True)
        await courses.hold(two, TENANT, ["C-2"], shared=True)
        await courses.hold(two, TENANT, [])
        waiting = asyncio.create_task(tell())
        await asyncio.sleep(0.2)
        assert done == []
    await waiting
    assert done == ["told"]
